// Package program tells one cart's story for an operator: it reads the cart and its ledger from the database and writes
// what package explain makes of them.
package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"ringback/internal/config"
	"ringback/internal/explain"
	"ringback/internal/postgres"
	"ringback/internal/zoneinfo"

	"github.com/google/uuid"
)

// Request names a cart and says how its story is told.
type Request struct {
	// ID is the cart's; when it is empty, Shop and Token name the cart by its checkout.
	ID, Shop, Token string
	// Full tells what is otherwise masked or left out; see explain.Options.
	Full bool
	// JSON is for programs, text for people.
	JSON bool
	Now  time.Time
	Out  io.Writer
}

// Run reads a cart and its ledger and writes its story.
func Run(ctx context.Context, cfg *config.Config, db *postgres.DB, r Request) error {
	c, err := r.find(ctx, db)
	if err != nil {
		return err
	}
	ledger, err := db.Ledger(ctx, c.ID)
	if err != nil {
		return err
	}
	o := explain.Options{Now: r.Now, Full: r.Full}
	if store, ok := cfg.Store(c.Shop); ok {
		if o.Location, err = zoneinfo.Load(store.Timezone); err != nil {
			return fmt.Errorf("stores.%s.timezone: %w", c.Shop, err)
		}
	}
	story := explain.Tell(&c.Cart, ledger, o)
	if !r.JSON {
		return story.Write(r.Out)
	}
	out := json.NewEncoder(r.Out)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(story)
}

func (r Request) find(ctx context.Context, db *postgres.DB) (*postgres.Cart, error) {
	if (r.ID == "") == (r.Shop == "" || r.Token == "") {
		return nil, errors.New("name one cart: by its id, or by -shop and -checkout")
	}
	if r.ID == "" {
		c, err := db.CartByToken(ctx, r.Shop, r.Token)
		if errors.Is(err, postgres.ErrNotFound) {
			return nil, fmt.Errorf("there is no cart of that checkout in %s", r.Shop)
		}
		return c, err
	}
	id, err := uuid.Parse(r.ID)
	if err != nil {
		return nil, fmt.Errorf("%q is not the id of a cart: write one as the dashboard shows it, or name the cart by -shop and -checkout", r.ID)
	}
	c, err := db.Cart(ctx, id)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil, fmt.Errorf("there is no cart %s", id)
	}
	return c, err
}
