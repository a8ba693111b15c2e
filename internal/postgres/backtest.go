package postgres

import (
	"context"
	"fmt"
	"iter"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PastFilter narrows the carts of the past; zero values do not.
type PastFilter struct {
	Shop string
	// From, inclusive, and To, exclusive, bound when the carts were made.
	From, To time.Time
}

// PastCart is a cart with its calls and with what bore on it from outside.
type PastCart struct {
	cart.Cart
	// Looks are what the ledger tells of the customer's touches, oldest first. They are read only for carts whose newest
	// touch may have come after their first call, their purchase or their stop.
	Looks []PastLook
	// Events are what the ledger tells of events that no rule led to, oldest first: a deletion, an uninstall, an
	// opt-out, an order of the same customer that answered another cart, and what an operator asked for.
	Events []PastEvent
	// OrderedAt is when the customer first bought something else after beginning this checkout; nil when they did not.
	OrderedAt *time.Time
	// Suppressions are those of the cart's numbers and email, whenever they were made.
	Suppressions []PastSuppression
	// Dials are the calls to the cart's numbers for carts that the filter leaves out or whose data was erased.
	Dials []PastDial
}

// PastLook is a decision of the past.
type PastLook struct {
	At time.Time
	// Delay is what the rule about the last touch saw; "" when it was not looked at.
	Delay string
	// Stops is true when the cart was stopped here.
	Stops bool
}

// PastEvent is something that happened to a cart.
type PastEvent struct {
	At    time.Time
	Event cart.Event
}

// pastEvent gives the event that a ledger entry tells of, as far as the ledger knows it; nil for one that is not
// wanted. An order matters here only when it stopped the cart: then the customer bought with another one.
func pastEvent(name string, to cart.State) cart.Event {
	for _, e := range []cart.Event{
		cart.CheckoutDeleted{}, cart.AppUninstalled{}, cart.OperatorCancelled{}, cart.OperatorCalled{}, cart.TakenOver{},
		cart.OptOut{Source: "record"},
	} {
		if e.Name() == name {
			return e
		}
	}
	if order := (cart.OrderSeen{Other: true}); order.Name() == name && to == cart.Stopped {
		return order
	}
	return nil
}

// PastSuppression is a suppression that a cart fell under.
type PastSuppression struct {
	// Phone is the number that is suppressed, E.164; empty when it is the email.
	Phone string
	// All is true when it holds for every shop.
	All bool
	At  time.Time
}

// PastDial is a call to a number.
type PastDial struct {
	// Phone is E.164.
	Phone string
	// Times is how often the phone rang, redials of the provider's included.
	Times int
	policy.Dial
}

// pastBatch is how many carts are read at once.
const pastBatch = 1000

// PastCarts reads carts in the order of their ids, a batch at a time. Carts that are made meanwhile are left out.
// numbers gives every number of a cart that rules could choose to call, in E.164.
func (db *DB) PastCarts(ctx context.Context, f PastFilter, numbers func(*cart.Cart) []string) iter.Seq2[[]PastCart, error] {
	if now := db.Now(); f.To.IsZero() || f.To.After(now) {
		f.To = now
	}
	return func(yield func([]PastCart, error) bool) {
		after := uuid.Nil
		for {
			carts, err := db.pastCarts(ctx, f, after)
			if err == nil && len(carts) > 0 {
				err = db.fillPast(ctx, f, carts, numbers)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read past carts: %w", err))
				return
			}
			if len(carts) == 0 || !yield(carts, nil) {
				return
			}
			after = carts[len(carts)-1].ID
		}
	}
}

func (db *DB) pastCarts(ctx context.Context, f PastFilter, after uuid.UUID) ([]PastCart, error) {
	where := newFilter()
	where.addIf("shop = @shop", "shop", f.Shop)
	where.add("created_at >= @from", "from", f.From)
	where.add("created_at < @to", "to", f.To)
	where.add("id > @after", "after", after)
	where.args["limit"] = pastBatch
	rows, err := db.pool.Query(ctx, `
		SELECT `+cartColumns+`
		FROM carts
		`+where.where()+`
		ORDER BY id
		LIMIT @limit`, where.args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (PastCart, error) {
		c, err := scanCart(row)
		return PastCart{Cart: c.Cart}, err
	})
}

// past is a batch being filled.
type past struct {
	carts []PastCart
	byID  map[uuid.UUID]*PastCart
	// phones and emails are the batch's keys with whom they belong to.
	phones map[string][]keyedPhone
	emails map[string][]*PastCart
}

// keyedPhone is a cart and the number of it that a key was made of.
type keyedPhone struct {
	cart   *PastCart
	number string
}

func (db *DB) fillPast(ctx context.Context, f PastFilter, carts []PastCart, numbers func(*cart.Cart) []string) error {
	p := &past{carts: carts, byID: map[uuid.UUID]*PastCart{}, phones: map[string][]keyedPhone{}, emails: map[string][]*PastCart{}}
	for i := range carts {
		c := &carts[i]
		p.byID[c.ID] = c
		if key := db.hasher.Email(c.Checkout.KnownEmail()); key != nil {
			p.emails[string(key)] = append(p.emails[string(key)], c)
		}
		for _, number := range numbers(&c.Cart) {
			key := string(db.hasher.Phone(number))
			p.phones[key] = append(p.phones[key], keyedPhone{c, number})
		}
	}
	calls := &pgx.Batch{}
	p.queueCalls(calls)
	if err := db.pool.SendBatch(ctx, calls).Close(); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	p.queueLedger(batch)
	p.queueOrders(batch)
	p.queueSuppressions(batch)
	p.queueDials(batch, f)
	return db.pool.SendBatch(ctx, batch).Close()
}

func (p *past) queueCalls(batch *pgx.Batch) {
	batch.Queue(`
		SELECT `+callColumns+`
		FROM calls
		WHERE cart_id = ANY ($1)
		ORDER BY id`, p.ids(func(*PastCart) bool { return true })).
		Query(func(rows pgx.Rows) error {
			calls, err := pgx.CollectRows(rows, scanCall)
			for _, call := range calls {
				c := p.byID[call.CartID]
				c.Calls = append(c.Calls, call)
			}
			return err
		})
}

func (p *past) ids(wanted func(*PastCart) bool) []uuid.UUID {
	ids := []uuid.UUID{}
	for i := range p.carts {
		if wanted(&p.carts[i]) {
			ids = append(ids, p.carts[i].ID)
		}
	}
	return ids
}

func (p *past) queueLedger(batch *pgx.Batch) {
	batch.Queue(`
		SELECT cart_id, at, COALESCE(jsonb_path_query_first(trace, '$[*] ? (@.rule == "delay").saw') #>> '{}', ''), to_state = 'stopped'
		FROM ledger
		WHERE cart_id = ANY ($1) AND (trace @? '$[*] ? (@.rule == "delay")' OR to_state = 'stopped')
		ORDER BY cart_id, id`, p.ids((*PastCart).touchedSince)).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var id uuid.UUID
				var look PastLook
				if err := rows.Scan(&id, &look.At, &look.Delay, &look.Stops); err != nil {
					return err
				}
				look.At = look.At.UTC()
				c := p.byID[id]
				c.Looks = append(c.Looks, look)
			}
			return rows.Err()
		})
	batch.Queue(`
		SELECT cart_id, at, event, to_state
		FROM ledger
		WHERE cart_id = ANY ($1)
			AND event IN ('checkout_deleted', 'uninstalled', 'operator_cancel', 'operator_call', 'opt_out', 'order')
		ORDER BY cart_id, id`, p.ids(func(c *PastCart) bool { return c.ErasedAt == nil })).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var id uuid.UUID
				var at time.Time
				var name string
				var to cart.State
				if err := rows.Scan(&id, &at, &name, &to); err != nil {
					return err
				}
				if e := pastEvent(name, to); e != nil {
					c := p.byID[id]
					c.Events = append(c.Events, PastEvent{At: at.UTC(), Event: e})
				}
			}
			return rows.Err()
		})
}

// touchedSince reports whether the customer may have touched the checkout again at or after the first call, the
// purchase or the stop.
func (c *PastCart) touchedSince() bool {
	if c.State.Settled() && c.Updates > 1 {
		return true
	}
	first, is := c.firstEvent()
	return is && !c.LastActivityAt.Before(first)
}

// firstEvent is when the cart was first called or bought, whichever came first; false when it was neither.
func (c *PastCart) firstEvent() (time.Time, bool) {
	first, found := time.Time{}, false
	if at := c.BoughtAt(); at != nil {
		first, found = *at, true
	}
	for i := range c.Calls {
		if call := &c.Calls[i]; call.Dialled() && (!found || call.CreatedAt.Before(first)) {
			first, found = call.CreatedAt, true
		}
	}
	return first, found
}

// BoughtAt is when the customer bought the cart; nil when they did not.
func (c *PastCart) BoughtAt() *time.Time {
	switch {
	case c.PurchasedAt != nil:
		return c.PurchasedAt
	case c.Order != nil:
		return &c.Order.CreatedAt
	}
	return c.Checkout.CompletedAt
}

func (p *past) queueOrders(batch *pgx.Batch) {
	batch.Queue(`
		SELECT k.id, min(o.created_at)
		FROM (
			SELECT id, shop, customer_id, email_key, phone_key,
				COALESCE(NULLIF(checkout ->> 'created_at', '0001-01-01T00:00:00Z')::timestamptz, created_at) AS since
			FROM carts
			WHERE id = ANY ($1)
		) AS k
		CROSS JOIN LATERAL (
			SELECT created_at, cart_id, own_cart_only
			FROM orders
			WHERE shop = k.shop AND customer_id = k.customer_id AND customer_id <> ''
			UNION ALL
			SELECT created_at, cart_id, own_cart_only
			FROM orders
			WHERE shop = k.shop AND email_key = k.email_key
			UNION ALL
			SELECT created_at, cart_id, own_cart_only
			FROM orders
			WHERE shop = k.shop AND phone_keys @> ARRAY[k.phone_key]
		) AS o
		WHERE o.created_at >= k.since AND o.cart_id IS DISTINCT FROM k.id AND NOT o.own_cart_only
		GROUP BY k.id`, p.ids(func(c *PastCart) bool { return c.ErasedAt == nil })).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var id uuid.UUID
				var at time.Time
				if err := rows.Scan(&id, &at); err != nil {
					return err
				}
				at = at.UTC()
				p.byID[id].OrderedAt = &at
			}
			return rows.Err()
		})
}

func (p *past) queueSuppressions(batch *pgx.Batch) {
	keys := make([][]byte, 0, len(p.phones)+len(p.emails))
	for key := range p.phones {
		keys = append(keys, []byte(key))
	}
	for key := range p.emails {
		keys = append(keys, []byte(key))
	}
	batch.Queue(`
		SELECT key, scope, created_at
		FROM suppressions
		WHERE key = ANY ($1)
		ORDER BY id`, keys).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var key []byte
				var scope string
				var at time.Time
				if err := rows.Scan(&key, &scope, &at); err != nil {
					return err
				}
				s := PastSuppression{All: scope == "", At: at.UTC()}
				for _, c := range p.emails[string(key)] {
					c.suppress(s, scope)
				}
				for _, k := range p.phones[string(key)] {
					s.Phone = k.number
					k.cart.suppress(s, scope)
				}
			}
			return rows.Err()
		})
}

func (c *PastCart) suppress(s PastSuppression, scope string) {
	if scope == "" || scope == c.Shop {
		c.Suppressions = append(c.Suppressions, s)
	}
}

func (p *past) queueDials(batch *pgx.Batch, f PastFilter) {
	keys := make([][]byte, 0, len(p.phones))
	for key := range p.phones {
		keys = append(keys, []byte(key))
	}
	batch.Queue(`
		SELECT c.phone_key, COALESCE(c.sent_at, c.created_at), c.shop, c.insights, c.dials
		FROM calls AS c
		JOIN carts AS k ON k.id = c.cart_id
		WHERE c.phone_key = ANY (@keys)
			AND c.state <> 'rejected'
			AND NOT (
				k.erased_at IS NULL AND (@shop = '' OR k.shop = @shop) AND k.created_at >= @from AND k.created_at < @to
			)
		ORDER BY c.id`, pgx.StrictNamedArgs{"keys": keys, "shop": f.Shop, "from": f.From, "to": f.To}).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var key []byte
				var d PastDial
				var in cart.Insights
				if err := rows.Scan(&key, &d.At, &d.Shop, &in, &d.Times); err != nil {
					return err
				}
				d.At, d.Refused, d.Times = d.At.UTC(), in.Refused(), max(d.Times, 1)
				for _, k := range p.phones[string(key)] {
					d.Phone = k.number
					k.cart.Dials = append(k.cart.Dials, d)
				}
			}
			return rows.Err()
		})
}
