package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/route"
	"ringback/internal/standing"
	"ringback/internal/voice"

	"github.com/robfig/cron/v3"
	"github.com/shopspring/decimal"
)

// ShopStanding is a configured shop with how it stands.
type ShopStanding struct {
	postgres.Shop
	standing.Standing
}

// Standings says how every configured shop stands, by name.
func (e *Engine) Standings(ctx context.Context) ([]ShopStanding, error) {
	shops, err := e.db.Shops(ctx)
	if err != nil {
		return nil, err
	}
	rows := make(map[string]postgres.Shop, len(shops))
	for _, s := range shops {
		rows[s.Domain] = s
	}
	look, err := e.lookAround(ctx)
	if err != nil {
		return nil, err
	}
	stores := e.Stores()
	all := make([]ShopStanding, len(stores))
	for i, store := range stores {
		row, known := rows[store.Domain]
		if !known {
			row.Domain = store.Domain
		}
		all[i] = look.standing(e, store, row)
	}
	return all, nil
}

// Standing says how one configured shop stands.
func (e *Engine) Standing(ctx context.Context, store *Store) (ShopStanding, error) {
	row, err := e.Shop(ctx, store.Domain)
	if err != nil {
		return ShopStanding{}, err
	}
	look, err := e.lookAround(ctx)
	if err != nil {
		return ShopStanding{}, err
	}
	return look.standing(e, store, row), nil
}

// surroundings is what the standing of shops depends on besides their own rows.
type surroundings struct {
	tokens map[string]bool
	load   postgres.Load
	faults map[[2]string]standing.Fault
	// reconcileEvery is how often shops are compared with Shopify; 0 for never.
	reconcileEvery time.Duration
	now            time.Time
}

func (e *Engine) lookAround(ctx context.Context) (*surroundings, error) {
	s := &surroundings{tokens: map[string]bool{}, faults: map[[2]string]standing.Fault{}, now: e.db.Now()}
	tokens, err := e.db.ShopsWithToken(ctx)
	if err != nil {
		return nil, err
	}
	for _, shop := range tokens {
		s.tokens[shop] = true
	}
	if s.load, err = e.db.Load(ctx); err != nil {
		return nil, err
	}
	faults, err := e.db.Faults(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range faults {
		s.faults[[2]string{f.Scope, f.Code}] = standing.Fault{Since: f.Since, Last: f.Last, Times: f.Times, Detail: f.Detail}
	}
	e.voiceFaults.learn(faults)
	if schedule, err := cron.ParseStandard(e.shopify.ReconcileEvery); err == nil {
		first := schedule.Next(s.now)
		s.reconcileEvery = schedule.Next(first).Sub(first)
	}
	return s, nil
}

func (s *surroundings) standing(e *Engine, store *Store, row postgres.Shop) ShopStanding {
	account := AccountOf(store)
	fault := func(scope, code string) *standing.Fault {
		if f, ok := s.faults[[2]string{scope, code}]; ok {
			return &f
		}
		return nil
	}
	custom := store.Config.AdminToken.Set() || len(store.Config.ClientSecrets) > 0
	facts := standing.Facts{
		Domain:          store.Domain,
		InstallURL:      e.publicURL + route.InstallOf(store.Domain),
		CustomApp:       custom,
		HasToken:        s.tokens[store.Domain] || store.Config.AdminToken.Set(),
		UninstalledAt:   row.UninstalledAt,
		AccessLostAt:    row.AccessLostAt,
		LastWebhookAt:   row.LastWebhookAt,
		LongestGap:      row.LongestGap,
		ReconciledUntil: row.ReconciledUntil,
		ReconcileEvery:  s.reconcileEvery,
		ConnectedAt:     row.InstalledAt,
		PausedAt:        row.PausedAt,
		PausedBy:        row.PausedBy,
		PausedInConfig:  store.Config.Paused,
		BreakerAt:       row.BreakerAt,
		BreakerUntil:    row.BreakerUntil,
		BreakerReason:   row.BreakerReason,
		Signatures:      fault(store.Domain, postgres.FaultSignatures),
		Subscriptions:   fault(store.Domain, postgres.FaultSubscriptions),
		Voice:           fault(account, postgres.FaultVoice),
		Credits:         row.CreditsLeft,
		Below:           creditLimit(store.Rules.Policy.Breakers),
		Ready:           s.load.Ready[store.Config.Voice.AssistantKey()],
		Busy:            s.load.Busy[store.Config.Voice.AssistantKey()],
		Lines:           store.Config.Voice.Lines,
		RestsUntil:      s.load.Rests[account],
	}
	if facts.ConnectedAt == nil {
		facts.ConnectedAt = row.SubscribedAt
	}
	if at, ok := policy.NextOpening(store.Rules.Policy, s.now); ok {
		facts.OpensAt = &at
	}
	return ShopStanding{Shop: row, Standing: standing.Of(facts, s.now)}
}

// creditLimit is the highest limit of the breakers on credits; nil without one.
func creditLimit(breakers []policy.Breaker) *decimal.Decimal {
	var limit *decimal.Decimal
	for _, b := range breakers {
		if b.On == policy.BreakCredits && b.Below != nil && (limit == nil || b.Below.GreaterThan(*limit)) {
			limit = b.Below
		}
	}
	return limit
}

// longestDetail bounds the error that is kept of a fault, in bytes.
const longestDetail = 300

func detailOf(err error) string {
	text := err.Error()
	if len(text) > longestDetail {
		text = text[:longestDetail] + "…"
	}
	return text
}

// voiceFaults are the voice accounts that this process knows to be failing, so that a call that succeeds writes nothing
// about an account that works.
type voiceFaults struct {
	mu      sync.Mutex
	failing map[string]bool
}

// learn takes over what is stored.
func (v *voiceFaults) learn(faults []postgres.Fault) {
	failing := map[string]bool{}
	for _, f := range faults {
		if f.Code == postgres.FaultVoice {
			failing[f.Scope] = true
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failing = failing
}

func (v *voiceFaults) set(account string, failing bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failing == nil {
		v.failing = map[string]bool{}
	}
	v.failing[account] = failing
}

func (v *voiceFaults) is(account string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failing[account]
}

// keepVoiceFault keeps what the answer to a request, err, tells of the voice account: that it fails, or works again. It
// comes last in a transaction: many carts share an account.
func (u *unit) keepVoiceFault(ctx context.Context, store *Store, err error) error {
	account, known := AccountOf(store), &u.engine.voiceFaults
	switch {
	case accountFails(err):
		known.set(account, true)
		return u.NoteFault(ctx, account, postgres.FaultVoice, detailOf(err))
	case err == nil && known.is(account):
		known.set(account, false)
		return u.EndFault(ctx, account, postgres.FaultVoice)
	}
	return nil
}

// accountFails reports whether an answer tells of a fault of the whole account: no answer, an error of the provider, or
// a refusal of the account. A refusal of one call's content, and an answer 429, tell of no fault.
func accountFails(err error) bool {
	var failed *voice.NotPlacedError
	var refused *voice.RefusedError
	switch {
	case err == nil:
		return false
	case errors.As(err, &refused):
		return refused.Account() != ""
	case errors.As(err, &failed):
		return !failed.Throttled
	}
	return true
}

// NoteRefusedSignatures records that webhooks which name a configured shop were refused, because their signature does
// not fit its secrets.
func (e *Engine) NoteRefusedSignatures(ctx context.Context, shop, topic string, times int) error {
	return e.db.NoteFaults(ctx, shop, postgres.FaultSignatures, fmt.Sprintf("topic %s", topic), times, refusedMemory)
}

// refusedMemory is after how long without a refused webhook the counting begins anew.
const refusedMemory = time.Hour
