package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/postgres"
	"ringback/internal/shopify"

	"github.com/google/uuid"
)

// Taken says what became of a webhook.
type Taken string

// What becomes of a webhook.
const (
	// TakenNew: it was kept and acted upon.
	TakenNew Taken = "taken"
	// TakenBefore: its id was seen before; nothing changed.
	TakenBefore Taken = "duplicate"
	// TakenUnread: it was kept with the reason why it could not be used.
	TakenUnread Taken = "unread"
)

// TakeWebhook keeps a verified webhook. One about a checkout is kept together with others and applied soon after; see
// RunIntake. Any other is applied in the transaction that keeps it. An error means that it could not be kept: Shopify
// should send it again. A webhook of a shop that is not in the configuration is kept for a process that knows the shop.
func (e *Engine) TakeWebhook(ctx context.Context, d shopify.Delivery, body []byte) (Taken, error) {
	if taken, ok, err := e.keepCheckout(ctx, d, body); ok {
		if err == nil {
			e.metrics.webhook(d.Topic, taken)
		}
		return taken, err
	}
	if followsCheckouts(d.Topic) || e.stores[d.Shop] != nil && isCheckout(d.Topic) {
		if err := e.awaitApplied(ctx); err != nil {
			return "", err
		}
	}
	read, unreadable := e.read(d, body)
	taken, err := e.takeWebhook(ctx, d, body, read, unreadable)
	if errors.Is(err, errWebhooksWait) {
		// What came before goes before.
		if err = e.waitingWebhooksOf(ctx, d.Shop); err == nil {
			taken, err = e.takeWebhook(ctx, d, body, read, unreadable)
		}
	}
	if code, yes := postgres.Unstorable(err); yes {
		// Sent again, it would be no better.
		taken, err = e.takeWebhook(ctx, d, body, nil, fmt.Errorf("the database cannot hold what it says (SQLSTATE %s)", code))
	}
	if err != nil {
		return "", err
	}
	e.metrics.webhook(d.Topic, taken)
	return taken, nil
}

// isCheckout reports whether webhooks of a topic tell of a version of a checkout. One that is not kept together with
// others, because it comes before the intake runs, must not overtake those that were kept before.
func isCheckout(topic string) bool {
	return topic == shopify.CheckoutsCreate || topic == shopify.CheckoutsUpdate
}

// followsCheckouts reports whether webhooks of a topic mean something only once the checkouts before them are applied:
// a deletion, a consent and a privacy request find no cart otherwise. An order waits for its checkout by itself.
func followsCheckouts(topic string) bool {
	switch topic {
	case shopify.CheckoutsDelete,
		shopify.CustomersConsentUpdate, shopify.CustomersEmailConsentUpdate, shopify.CustomersUpdate:
		return true
	}
	return slices.Contains(shopify.ComplianceTopics(), topic)
}

// takeWebhook keeps a webhook with what it brings about, or with the reason why it could not be used.
func (e *Engine) takeWebhook(
	ctx context.Context, d shopify.Delivery, body []byte, read action, unreadable error,
) (Taken, error) {
	var taken Taken
	err := e.inTx(ctx, func(ctx context.Context, u *unit) error {
		taken = TakenBefore
		known := e.stores[d.Shop] != nil
		fresh, waiting, err := u.KeepWebhook(ctx, d.Shop, d.WebhookID, d.Topic, shopify.Kept(d.Topic, body), known)
		if waiting {
			return errWebhooksWait
		}
		if err != nil || !fresh {
			return err
		}
		taken = TakenNew
		if errors.Is(unreadable, errUnknownShop) {
			taken = TakenUnread
			return u.WebhookWaits(ctx, u.Kept(d.Shop, d.WebhookID), d.APIVersion, d.TriggeredAt, u.Now, d.Test)
		}
		if unreadable != nil {
			taken = TakenUnread
			if err := u.WebhookFailed(ctx, u.Kept(d.Shop, d.WebhookID), unreadable.Error()); err != nil {
				return err
			}
			return u.leaveErasedOut(ctx, u.Kept(d.Shop, d.WebhookID), d, body)
		}
		about, err := read(ctx, u)
		if err != nil {
			return err
		}
		if about == uuid.Nil {
			return u.leaveErasedOut(ctx, u.Kept(d.Shop, d.WebhookID), d, body)
		}
		return u.WebhookAbout(ctx, d.Shop, d.WebhookID, about)
	})
	return taken, err
}

// leaveErasedOut forgets what a webhook that belongs to no cart tells of somebody who was erased. An order that was
// made since the erasure is new and stays, as does whatever tells of a person who has begun another cart since. A
// privacy request has its own end.
func (u *unit) leaveErasedOut(ctx context.Context, kept postgres.KeptWebhook, d shopify.Delivery, body []byte) error {
	if slices.Contains(shopify.ComplianceTopics(), d.Topic) {
		return nil
	}
	var order *cart.Order
	switch d.Topic {
	case shopify.OrdersCreate, shopify.OrdersPaid, shopify.OrdersUpdated, shopify.OrdersCancelled:
		if o, err := shopify.DecodeOrder(body, d); err == nil {
			order = &o
		}
	}
	return u.LeaveErasedOut(ctx, kept, u.engine.countryOf(d.Shop), body, order)
}

// action lets a webhook change what it is about and returns the id of the cart concerned, if it was one.
type action func(context.Context, *unit) (uuid.UUID, error)

// read decodes a webhook before any transaction begins. The error says why it cannot be used.
func (e *Engine) read(d shopify.Delivery, body []byte) (action, error) {
	store := e.stores[d.Shop]
	if err := believable(d, body); err != nil {
		return nil, err
	}
	if slices.Contains(shopify.ComplianceTopics(), d.Topic) {
		// A shop that has left the configuration may still ask for erasure.
		return e.readCompliance(d, body)
	}
	switch {
	case d.Shop == "":
		return nil, errors.New("its headers name no shop")
	case store == nil:
		return nil, errUnknownShop
	}
	nothing := func(context.Context, *unit) (uuid.UUID, error) { return uuid.Nil, nil }
	switch d.Topic {
	case shopify.CheckoutsDelete, shopify.AppUninstalled, shopify.RefundsCreate,
		shopify.CustomersConsentUpdate, shopify.CustomersEmailConsentUpdate, shopify.CustomersUpdate:
		if d.Test {
			// A sample: nothing of the sort has happened.
			return nothing, nil
		}
	}
	switch d.Topic {
	case shopify.CheckoutsCreate, shopify.CheckoutsUpdate:
		c, err := shopify.DecodeCheckout(body, d)
		if err != nil {
			return nil, err
		}
		c.ToldAt = d.TriggeredAt
		return func(ctx context.Context, u *unit) (uuid.UUID, error) {
			return u.takeCheckout(ctx, store, c, cart.ViaWebhook)
		}, nil
	case shopify.CheckoutsDelete:
		ref, err := shopify.DecodeDeletedCheckout(body)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, u *unit) (uuid.UUID, error) {
			return u.takeDeletion(ctx, store, ref)
		}, nil
	case shopify.OrdersCreate, shopify.OrdersPaid, shopify.OrdersUpdated, shopify.OrdersCancelled:
		o, err := shopify.DecodeOrder(body, d)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, u *unit) (uuid.UUID, error) {
			return u.takeOrder(ctx, store, o)
		}, nil
	case shopify.RefundsCreate:
		r, err := shopify.DecodeRefund(body)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, u *unit) (uuid.UUID, error) {
			return u.takeRefund(ctx, store, r)
		}, nil
	case shopify.AppUninstalled:
		at := d.TriggeredAt
		return func(ctx context.Context, u *unit) (uuid.UUID, error) {
			return uuid.Nil, u.takeUninstall(ctx, store, at)
		}, nil
	case shopify.CustomersConsentUpdate, shopify.CustomersEmailConsentUpdate, shopify.CustomersUpdate:
		c, err := shopify.DecodeCustomerConsent(body, d)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, u *unit) (uuid.UUID, error) {
			return uuid.Nil, u.takeConsent(ctx, store, c)
		}, nil
	}
	return nothing, nil
}

// believable checks that a webhook is for the shop of its headers, which are not signed: whoever got hold of one signed
// body could send it again under another shop's name. What ends or erases a whole shop must name it; nothing may name
// another one.
func believable(d shopify.Delivery, body []byte) error {
	switch origin := shopify.Origin(body); {
	case origin == d.Shop:
		return nil
	case origin != "":
		return errors.New("the body names another shop than the headers")
	case d.Topic == shopify.AppUninstalled, d.Topic == shopify.ShopRedact:
		return errors.New("the body does not name the shop of the headers")
	}
	return nil
}

// takeCheckout gives a version of a checkout to its cart, which it makes when there is none. A cart that stood in for
// it, because Shopify's API told of it first, gets its real token.
func (u *unit) takeCheckout(ctx context.Context, store *Store, co cart.Checkout, via string) (uuid.UUID, error) {
	co.UpdatedAt = cart.Earlier(co.UpdatedAt, u.Now)
	if err := u.LockCheckout(ctx, store.Domain, co.Ref()); err != nil {
		return uuid.Nil, err
	}
	adopted := false
	c, err := u.CartByTokenForUpdate(ctx, store.Domain, co.Token)
	if errors.Is(err, postgres.ErrNotFound) {
		if adopted, err = u.AdoptCart(ctx, store.Domain, co.Ref(), time.Time{}); err != nil {
			return uuid.Nil, err
		}
		if adopted {
			c, err = u.CartByTokenForUpdate(ctx, store.Domain, co.Token)
		} else {
			c = newCart(store, co.Token)
		}
	}
	if err != nil {
		return uuid.Nil, err
	}
	_, err = u.seeCheckout(ctx, store, c, cart.CheckoutSeen{Checkout: co, Via: via}, adopted)
	return c.ID, err
}

func newCart(store *Store, token string) *postgres.Cart {
	return &postgres.Cart{Cart: cart.Cart{ID: uuid.Must(uuid.NewV7()), Shop: store.Domain, Token: token}}
}

// seeCheckout gives a version of a checkout to its cart and reports whether it was news. An order that came before its
// checkout is met here. newToken is true when the cart's token was not known before.
func (u *unit) seeCheckout(
	ctx context.Context, store *Store, c *postgres.Cart, seen cart.CheckoutSeen, newToken bool,
) (bool, error) {
	co := seen.Checkout
	isNew := c.State == ""
	mayMeet := isNew || newToken || c.Checkout.CartToken != co.CartToken
	mayKnow := isNew || !sameNames(&c.Checkout, &co)
	did, err := u.apply(ctx, c, seen, nil)
	if err != nil || !mayMeet && !mayKnow || c.State == cart.Purchased && c.Order != nil {
		return did.changed, err
	}
	met, err := u.meetOrder(ctx, store, c, mayMeet, mayKnow && c.State != cart.Purchased)
	return did.changed || met, err
}

// meetOrder gives a cart the order that came before it, found by the checkout's tokens or by the cart's person. It
// reports whether there was one.
func (u *unit) meetOrder(ctx context.Context, store *Store, c *postgres.Cart, byToken, byPerson bool) (bool, error) {
	var order cart.Order
	var match cart.Match
	err := postgres.ErrNotFound
	if byToken {
		order, match, err = u.OrderOfCheckout(ctx, c)
	}
	if errors.Is(err, postgres.ErrNotFound) && byPerson {
		order, match, err = u.OrderOfPerson(ctx, c, store.Rules.Policy.Attribution)
	}
	if errors.Is(err, postgres.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := u.meetRefunds(ctx, store, &order); err != nil {
		return false, err
	}
	if _, err := u.apply(ctx, c, cart.OrderSeen{Order: order, Match: match}, nil); err != nil {
		return false, err
	}
	return true, u.OrderTaken(ctx, store.Domain, order.ID, c.ID)
}

// takeOrder stops the winning back of whatever the order answers. The best match is purchased; the customer's other
// active carts stop, so that nobody is called after buying, and the order counts once.
func (u *unit) takeOrder(ctx context.Context, store *Store, o cart.Order) (uuid.UUID, error) {
	o.UpdatedAt = cart.Earlier(o.UpdatedAt, u.Now)
	if err := u.LockCheckout(ctx, store.Domain, o.Checkout()); err != nil {
		return uuid.Nil, err
	}
	if err := u.meetRefunds(ctx, store, &o); err != nil {
		return uuid.Nil, err
	}
	person := policy.PersonOfOrder(o, store.Config.Country)
	fresh, err := u.KeepOrder(ctx, store.Domain, o, person)
	if err != nil || !fresh {
		return uuid.Nil, err
	}
	if _, err := u.AdoptCart(ctx, store.Domain, o.Checkout(), o.CreatedAt); err != nil {
		return uuid.Nil, err
	}
	if len(o.Codes) > 0 {
		if err := u.DiscountsRedeemed(ctx, store.Domain, o.Codes); err != nil {
			return uuid.Nil, err
		}
	}
	if o.OwnCartOnly() {
		person = cart.Person{}
	}
	matched, err := u.CartsOfOrder(ctx, store.Domain, o, person, store.Rules.Policy.Attribution)
	if err != nil {
		return uuid.Nil, err
	}
	matched, err = u.ownerFirst(ctx, store, o, matched)
	if err != nil {
		return uuid.Nil, err
	}
	bought := uuid.Nil
	for _, m := range matched {
		exact := m.Owner || m.Match == cart.MatchCode || m.Match == cart.MatchCheckout || m.Match == cart.MatchCart
		if bought == uuid.Nil && !exact && m.State == cart.Purchased {
			// That cart was bought before; this order is about another one or about none.
			continue
		}
		c, err := u.CartForUpdate(ctx, m.ID)
		if err != nil {
			return uuid.Nil, err
		}
		under, _ := policy.PersonOfCheckout(c.Checkout, store.Config.Country).Shares(person)
		event := cart.OrderSeen{Order: o, Match: m.Match, Under: under.From, Other: bought != uuid.Nil}
		if _, err := u.apply(ctx, c, event, nil); err != nil {
			return uuid.Nil, err
		}
		if bought == uuid.Nil {
			bought = m.ID
		}
	}
	if bought == uuid.Nil {
		return uuid.Nil, nil
	}
	return bought, u.OrderTaken(ctx, store.Domain, o.ID, bought)
}

// ownerFirst puts the cart that the order counts for already before the others: a later version of the order concerns
// that cart, however the two were matched.
func (u *unit) ownerFirst(
	ctx context.Context, store *Store, o cart.Order, matched []postgres.MatchedCart,
) ([]postgres.MatchedCart, error) {
	id, err := u.CartOfOrder(ctx, store.Domain, o.ID)
	if errors.Is(err, postgres.ErrNotFound) {
		return matched, nil
	}
	if err != nil {
		return nil, err
	}
	owner := postgres.MatchedCart{ID: id, Match: cart.MatchLinked, State: cart.Purchased}
	others := make([]postgres.MatchedCart, 0, len(matched))
	for _, m := range matched {
		if m.ID == id {
			owner = m
		} else {
			others = append(others, m)
		}
	}
	owner.Owner = true
	return append([]postgres.MatchedCart{owner}, others...), nil
}

func (u *unit) takeDeletion(ctx context.Context, store *Store, ref cart.Ref) (uuid.UUID, error) {
	c, err := u.CartOfDeletedForUpdate(ctx, store.Domain, ref)
	if errors.Is(err, postgres.ErrNotFound) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, err
	}
	_, err = u.apply(ctx, c, cart.CheckoutDeleted{}, nil)
	return c.ID, err
}

// takeUninstall marks the shop in this transaction, which keeps every cart of it from being called; a job then stops
// them.
func (u *unit) takeUninstall(ctx context.Context, store *Store, at time.Time) error {
	if at.IsZero() {
		at = u.Now
	}
	changed, err := u.UninstallShop(ctx, store.Domain, at)
	if err != nil || !changed {
		return err
	}
	if err := u.DropToken(ctx, store.Domain); err != nil {
		return err
	}
	return u.insert(ctx, HaltShop{Shop: store.Domain}, time.Time{})
}

// takeConsent tells a customer's active carts of a consent given or withdrawn elsewhere.
func (u *unit) takeConsent(ctx context.Context, store *Store, c shopify.Consent) error {
	if c.Marketing == nil && c.SMS == nil && !store.usesCustomer() {
		return nil
	}
	person := cart.PersonWith(c.CustomerID, []string{c.Email}, []string{policy.Number(c.Phone, store.Config.Country)})
	concerned, err := u.ActiveCartsOfPerson(ctx, store.Domain, person)
	if err != nil {
		return fmt.Errorf("find the customer's carts: %w", err)
	}
	for _, m := range concerned {
		event := cart.ConsentChanged{
			Marketing: c.Marketing, SMS: c.SMS, MarketingRecord: c.MarketingRecord(), SMSRecord: c.SMSRecord(),
			Metafields: c.Metafields,
		}
		if c.HasTags {
			event.Tags = &c.Tags
		}
		if c.SMS != nil && *c.SMS {
			event.SMSPhone = c.Phone
		}
		if m.Match == cart.MatchLinked {
			event = withdrawnOnly(event)
		}
		found, err := u.CartForUpdate(ctx, m.ID)
		if err != nil {
			return err
		}
		if _, err := u.apply(ctx, found, event, nil); err != nil {
			return err
		}
	}
	return u.keepWithdrawal(ctx, store, c, person)
}

// metafields are the customer's metafields that the store's bases of consent name.
func (s *Store) metafields() []string {
	var keys []string
	if s == nil || s.Rules.Policy == nil {
		return nil
	}
	for _, b := range s.Rules.Policy.Consent {
		if key, ok := strings.CutPrefix(b.Basis, policy.ConsentMetafield); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// usesCustomer reports whether one of the store's bases of consent is kept with the customer: a tag or a metafield.
func (s *Store) usesCustomer() bool {
	return slices.ContainsFunc(s.Rules.Policy.Consent, func(b policy.Basis) bool {
		return strings.HasPrefix(b.Basis, policy.ConsentTag) || strings.HasPrefix(b.Basis, policy.ConsentMetafield)
	})
}

// withdrawnOnly is what a change of consent means for what the person was told with under other names: whoever takes
// their consent back takes it back everywhere, but consent given under one name permits no call under another.
func withdrawnOnly(e cart.ConsentChanged) cart.ConsentChanged {
	var only cart.ConsentChanged
	if e.Marketing != nil && !*e.Marketing {
		only.Marketing, only.MarketingRecord = e.Marketing, e.MarketingRecord
	}
	if e.SMS != nil && !*e.SMS {
		only.SMS, only.SMSRecord = e.SMS, e.SMSRecord
	}
	return only
}

// keepWithdrawal remembers, for carts yet to come, that a customer withdrew the only consent that the store calls on;
// giving it again lifts that.
func (u *unit) keepWithdrawal(ctx context.Context, store *Store, c shopify.Consent, person cart.Person) error {
	given, at := c.Marketing, c.MarketingAt
	switch bases := store.Rules.Policy.Consent; {
	case len(bases) == 1 && bases.First() == policy.ConsentSMS:
		given, at = c.SMS, c.SMSAt
	case len(bases) != 1 || bases.First() != policy.ConsentMarketing:
		return nil
	}
	if at = cart.Earlier(at, u.Now); given == nil {
		return nil
	}
	if *given {
		return u.LiftWithdrawal(ctx, store.Domain, person, at)
	}
	return u.SuppressWithdrawn(ctx, store.Domain, person, at)
}
