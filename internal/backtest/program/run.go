// Package program runs a backtest for an operator: it makes the policies from their configurations, reads the carts
// from the database or from recorded webhooks, tells how far it is, and writes the report.
package program

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"runtime"
	"runtime/debug"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/config"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/zoneinfo"
)

// Request says what is backtested and how the report is wanted.
type Request struct {
	// Config holds the policy that is tried, Against the one that it is compared with; nil for none.
	Config, Against *config.Config
	// Shop narrows the backtest to one shop; with Dir it says whose the webhooks are. Empty means every shop, or the only
	// one.
	Shop string
	// From, inclusive, and To, exclusive, bound when the stored carts were made; zero values do not.
	From, To time.Time
	// DB holds the carts, unless Dir is a folder of recorded webhooks.
	DB  *postgres.DB
	Dir string
	// JSON is for programs, text for people.
	JSON bool
	Now  time.Time
	// Out gets the report, Err how far the run is and what could not be read; Terminal is true when that is one.
	Out, Err io.Writer
	Terminal bool
}

// gcPercent makes garbage collection rarer than usual: a backtest is short, and most of its garbage is traces that
// nobody asks for.
const gcPercent = 400

// Run runs a backtest.
func Run(ctx context.Context, r Request) error {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	progress := newProgress(r.Err, r.Terminal, time.Now)
	o := backtest.Options{Now: r.Now, Workers: runtime.GOMAXPROCS(0), Progress: progress.tell}
	var err error
	if o.Policy, err = policyOf(r.Config, r.Shop); err != nil {
		return err
	}
	if r.Against != nil {
		if o.Against, err = policyOf(r.Against, r.Shop); err != nil {
			return fmt.Errorf("the policy to compare with: %w", err)
		}
	}
	carts, err := r.carts(ctx, o)
	if err != nil {
		return err
	}
	report, err := backtest.Run(carts, o)
	progress.end()
	if err != nil {
		return err
	}
	if !r.JSON {
		return report.Write(r.Out)
	}
	out := json.NewEncoder(r.Out)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(report)
}

func (r Request) carts(ctx context.Context, o backtest.Options) (iter.Seq2[*backtest.Cart, error], error) {
	if r.Dir == "" {
		return ahead(stored(ctx, r.DB, postgres.PastFilter{Shop: r.Shop, From: r.From, To: r.To}, o)), nil
	}
	shop := r.Shop
	if shop == "" {
		if len(o.Policy) != 1 {
			return nil, fmt.Errorf("the configuration has %d stores: say with -shop whose webhooks these are", len(o.Policy))
		}
		for domain := range o.Policy {
			shop = domain
		}
	}
	return recorded(r.Dir, shop, o, r.Err)
}

// policyOf makes the policy of a configuration, of all its stores or of one.
func policyOf(cfg *config.Config, only string) (backtest.Policy, error) {
	p := backtest.Policy{}
	for domain, store := range cfg.Stores {
		if only != "" && domain != only {
			continue
		}
		location, err := zoneinfo.Load(store.Timezone)
		if err != nil {
			return nil, fmt.Errorf("stores.%s.timezone: %w", domain, err)
		}
		rules := store.Policy
		err = rules.Compile(policy.Store{
			Shop: domain, Timezone: store.Timezone, Country: store.Country, Currency: store.Currency,
			Prechecked: store.Precheck.URL != "",
		})
		if err != nil {
			return nil, fmt.Errorf("stores.%s.policy: %w", domain, err)
		}
		p[domain] = backtest.Store{Rules: &rules, Country: store.Country, Location: location}
	}
	if only != "" && len(p) == 0 {
		return nil, fmt.Errorf("%s is not among the configuration's stores", only)
	}
	return p, nil
}
