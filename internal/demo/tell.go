package demo

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/sim/simvoice"
	"ringback/internal/wording"

	"github.com/google/uuid"
)

// teller writes the story down as it happens: what shoppers do, what the voice API does, what Ringback decides and why.
type teller struct {
	mu     sync.Mutex
	out    io.Writer
	colour bool
	cast   *cast
	begun  time.Time
	names  map[uuid.UUID]string
	seen   map[uuid.UUID]cart.State
}

func newTeller(out io.Writer, colour bool) *teller {
	return &teller{out: out, colour: colour, begun: time.Now(), names: map[uuid.UUID]string{}, seen: map[uuid.UUID]cart.State{}}
}

// The colours of the three voices of the story.
const (
	plain    = ""
	bold     = "\x1b[1m"
	dim      = "\x1b[2m"
	shopTone = "\x1b[36m"
	callTone = "\x1b[33m"
	ringTone = "\x1b[32m"
	reset    = "\x1b[0m"
)

func (t *teller) paint(tone, text string) string {
	if !t.colour || tone == plain {
		return text
	}
	return tone + text + reset
}

func (t *teller) line(tone, who, name, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := time.Since(t.begun)
	fmt.Fprintf(t.out, "%s %s %-7s %s\n", t.paint(dim, fmt.Sprintf("%4.1fs", at.Seconds())), t.paint(tone, fmt.Sprintf("%-9s", who)), name, what)
}

func (t *teller) intro(listen string) {
	fmt.Fprintf(t.out, "%s\n\n", t.paint(bold, "Ringback demo: one shop, six shoppers, one minute"))
	fmt.Fprintln(t.out, "Everything here is the real program. The shop and the voice API are simulated on this machine; nobody is called.")
	fmt.Fprintln(t.out, "The store waits 4 seconds after the last activity instead of 45 minutes.")
	fmt.Fprintf(t.out, "Dashboard: http://%s/\n\n", listen)
}

func (t *teller) shopper(p *person, what string) { t.line(shopTone, "shopper", p.name, what) }

// voiceEvent is told of what the simulated voice API does.
func (t *teller) voiceEvent(e simvoice.Event) {
	t.mu.Lock()
	c := t.cast
	t.mu.Unlock()
	if c == nil {
		return
	}
	p := c.ofPhone(e.Order.Phone)
	if p == nil {
		return
	}
	what := map[string]string{
		"call.initiate":    fmt.Sprintf("the phone rings (attempt %d)", e.Order.Attempt),
		"call.in-progress": "picks up",
		"call.no-answer":   "does not pick up",
		"call.ended":       "the conversation is over",
		"call.aborted":     "the call is aborted",
	}[e.Type]
	if what != "" {
		t.line(callTone, "voice API", p.name, what)
	}
}

// databasePatience is how long the database may be away: another demo's server that this one joined may end, and is
// then taken over.
const databasePatience = time.Minute

// follow writes down what enters the ledgers of the story's carts.
func (t *teller) follow(ctx context.Context, db *postgres.DB, c *cast) error {
	t.mu.Lock()
	t.cast = c
	t.mu.Unlock()
	last, err := db.LastLedgerID(ctx)
	if err != nil {
		return err
	}
	answered := time.Now()
	for {
		entries, newest, err := db.LedgerSince(ctx, last)
		switch {
		case err == nil:
			last, answered = newest, time.Now()
		case ctx.Err() != nil:
			return nil
		case time.Since(answered) > databasePatience:
			return err
		}
		for _, e := range entries {
			t.entry(ctx, db, c, e)
		}
		if pause(ctx, look) != nil {
			return nil
		}
	}
}

func (t *teller) entry(ctx context.Context, db *postgres.DB, c *cast, e cart.Entry) {
	name, known := t.names[e.CartID]
	if !known {
		if found, err := db.Cart(ctx, e.CartID); err == nil {
			if p := c.ofToken(found.Token); p != nil {
				name = p.name
			}
		}
		if name == "" {
			return
		}
		t.names[e.CartID] = name
	}
	if e.From == e.To {
		return
	}
	from := string(e.From)
	if from == "" {
		from = "new"
	}
	what := fmt.Sprintf("%s → %s: %s", from, t.paint(bold, string(e.To)), wording.LowerFirst(wording.ReasonSentence(e.Reason)))
	if e.To == cart.Calling {
		what = fmt.Sprintf("%s → %s: a line is free, and every rule still agrees.", from, t.paint(bold, string(e.To)))
	} else if e.To == cart.Purchased {
		if found, err := db.Cart(ctx, e.CartID); err == nil {
			credited := wording.LowerFirst(wording.Attribution(found.Attribution))
			what = fmt.Sprintf("%s → %s: %s", from, t.paint(bold, string(e.To)), credited)
		}
	}
	for _, step := range e.Trace {
		if step.Rule == "outcome" {
			t.line(ringTone, "ringback", name, step.Saw)
		}
	}
	t.line(ringTone, "ringback", name, what)
}

// end sums the story up and says where to look further.
func (t *teller) end(ctx context.Context, db *postgres.DB, listen, config string, c *cast, once bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "\n%s\n", t.paint(bold, "What became of them"))
	for _, p := range c.people {
		found, err := db.CartByToken(ctx, shopDomain, p.token)
		if err != nil {
			continue
		}
		calls := "never called"
		if found.Attempts > 0 {
			calls = wording.Count(found.Attempts, "call", "calls")
		}
		fmt.Fprintf(t.out, "  %-7s %s\n          %s\n", p.name, p.about,
			t.paint(dim, fmt.Sprintf("%s, %s; why: http://%s/carts/%s", found.State, calls, listen, found.ID)))
	}
	if once {
		return
	}
	fmt.Fprintf(t.out, `
Look around:
  http://%[1]s/        the dashboard
  http://%[1]s/jobs/   the jobs
  curl -H 'Authorization: Bearer demo-token' http://%[1]s/api/v1/carts
  ringback check -config %[2]s

Ctrl-C ends the demo.
`, listen, config)
}
