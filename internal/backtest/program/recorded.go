package program

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/policy"
	"ringback/internal/shopify"

	"github.com/google/uuid"
)

// recorded reads the checkouts and orders among a folder's recorded webhooks, which all belong to one shop. A file's
// name tells its topic as it does for replaying; files of other topics are passed over. What cannot be read is told to
// errs and left out.
func recorded(dir, shop string, o backtest.Options, errs io.Writer) (iter.Seq2[*backtest.Cart, error], error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	f := folder{shop: shop, country: o.Policy[shop].Country, checkouts: map[string]*versions{}}
	for _, entry := range entries {
		topic, known := shopify.TopicOfFile(entry.Name())
		if entry.IsDir() || !known {
			continue
		}
		if err := f.read(filepath.Join(dir, entry.Name()), topic); err != nil {
			fmt.Fprintf(errs, "left out: %s: %v\n", entry.Name(), err)
		}
	}
	if len(f.checkouts) == 0 {
		return nil, fmt.Errorf("%s holds no checkouts: a file's name begins with its topic, as in checkouts_update.some-name.json", dir)
	}
	carts := f.carts(o)
	return func(yield func(*backtest.Cart, error) bool) {
		for _, c := range carts {
			if !yield(c, nil) {
				return
			}
		}
	}, nil
}

// folder is what was read.
type folder struct {
	shop, country string
	// checkouts are the versions of every checkout by its token.
	checkouts map[string]*versions
	orders    []cart.Order
}

// versions are those of one checkout, in the order of reading.
type versions struct {
	all []cart.Checkout
	// completed is when the checkout says that it was bought; nil when it does not.
	completed *time.Time
	// bought is what the customer bought this cart with; nil when they did not.
	bought *cart.Order
	// numbers are all numbers of the newest version.
	numbers []string
	cart    *backtest.Cart
}

func (v *versions) newest() *cart.Checkout { return &v.all[len(v.all)-1] }

func (f *folder) read(path, topic string) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	body = bytes.ReplaceAll(body, []byte("{shop}.myshopify.com"), []byte(f.shop))
	d := shopify.Delivery{Topic: topic, Shop: f.shop}
	switch topic {
	case shopify.CheckoutsCreate, shopify.CheckoutsUpdate:
		bodies, err := shopify.SplitCheckouts(body)
		if err != nil {
			bodies = [][]byte{body}
		}
		for _, b := range bodies {
			if err := f.checkout(b, d); err != nil {
				return err
			}
		}
	case shopify.OrdersCreate, shopify.OrdersPaid, shopify.OrdersUpdated:
		order, err := shopify.DecodeOrder(body, d)
		if err != nil {
			return err
		}
		if order.CreatedAt.IsZero() {
			return errors.New("created_at: missing; without it nobody knows whether the order came before the call")
		}
		f.orders = append(f.orders, order)
	}
	return nil
}

func (f *folder) checkout(body []byte, d shopify.Delivery) error {
	c, err := shopify.DecodeCheckout(body, d)
	if err != nil {
		return err
	}
	if c.UpdatedAt.IsZero() {
		return errors.New("updated_at and created_at: missing; without them the checkout has no place in time")
	}
	v := f.checkouts[c.Token]
	if v == nil {
		v = &versions{}
		f.checkouts[c.Token] = v
	}
	v.all = append(v.all, c)
	if at := c.CompletedAt; at != nil && (v.completed == nil || at.Before(*v.completed)) {
		v.completed = at
	}
	return nil
}

// carts makes one cart of each checkout, in the order in which they became known.
func (f *folder) carts(o backtest.Options) []*backtest.Cart {
	var all []*versions
	for token, v := range f.checkouts {
		slices.SortStableFunc(v.all, func(a, b cart.Checkout) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
		v.numbers = numbers(*v.newest(), f.country)
		v.cart = &backtest.Cart{
			// Recorded carts have no id of ours; this one is the same in every run.
			ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://"+f.shop+"/checkouts/"+token)), Shop: f.shop, Token: token,
			Phones: backtest.ReadPhones(f.shop, v.all, o.Policy, o.Against),
		}
		if v.completed != nil {
			v.bought = &cart.Order{CreatedAt: *v.completed, UpdatedAt: *v.completed}
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *versions) int {
		return cmp.Or(a.all[0].UpdatedAt.Compare(b.all[0].UpdatedAt), strings.Compare(a.cart.Token, b.cart.Token))
	})
	slices.SortFunc(f.orders, func(a, b cart.Order) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	for _, order := range f.orders {
		match(order, all, f.country)
	}
	carts := make([]*backtest.Cart, len(all))
	for i, v := range all {
		v.cart.Events = v.events()
		carts[i] = v.cart
	}
	return carts
}

// events are what came to the cart, oldest first.
func (v *versions) events() []backtest.Event {
	var events []backtest.Event
	for _, c := range v.all {
		c.CompletedAt = nil
		events = append(events, backtest.Event{At: c.UpdatedAt, Event: cart.CheckoutSeen{Checkout: c, Via: cart.ViaWebhook}})
	}
	known := events[0].At
	if v.bought != nil {
		seen := cart.OrderSeen{Order: *v.bought, Match: cart.MatchCheckout}
		events = append(events, backtest.Event{At: later(v.bought.CreatedAt, known), Event: seen})
	}
	if at := v.cart.OrderedAt; at != nil && !at.Before(known) {
		events = append(events, backtest.Event{At: *at, Event: cart.OrderSeen{Other: true}})
	}
	slices.SortStableFunc(events, func(a, b backtest.Event) int { return a.At.Compare(b.At) })
	return events
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// match ties an order to the cart it answers: by its tokens, else to the newest of the same person's. The person's
// other carts are only told that the person has bought.
func match(order cart.Order, all []*versions, country string) {
	phones := policy.Numbers(order.Phones, order.Country, country)
	var exact, newest *versions
	var person []*versions
	for _, v := range all {
		co := v.newest()
		switch {
		case order.CheckoutToken != "" && order.CheckoutToken == co.Token, order.CartToken != "" && order.CartToken == co.CartToken:
			exact = v
		case order.CreatedAt.Before(co.CreatedAt):
		case order.CustomerID != "" && order.CustomerID == co.Customer.ID,
			order.Email != "" && strings.EqualFold(order.Email, co.Email),
			shared(phones, v.numbers):
			person = append(person, v)
			if newest == nil || co.UpdatedAt.After(newest.newest().UpdatedAt) {
				newest = v
			}
		}
	}
	if exact == nil {
		exact = newest
	}
	for _, v := range person {
		if v != exact && v.cart.OrderedAt == nil {
			at := order.CreatedAt
			v.cart.OrderedAt = &at
		}
	}
	if exact == nil {
		return
	}
	at := order.CreatedAt
	if b := exact.bought; b != nil && b.CreatedAt.Before(at) {
		at = b.CreatedAt
	}
	order.CreatedAt, order.UpdatedAt = at, at
	exact.bought = &order
}

// shared reports whether two lists of numbers have one in common.
func shared(a, b []string) bool {
	for _, number := range a {
		for _, other := range b {
			if number == other {
				return true
			}
		}
	}
	return false
}

// numbers gives all numbers of a checkout, E.164.
func numbers(c cart.Checkout, storeCountry string) []string {
	typed := c.Phones
	if c.SMSPhone != "" {
		typed = append(typed[:len(typed):len(typed)], cart.RawPhone{Number: c.SMSPhone})
	}
	return policy.Numbers(typed, countryOf(c), storeCountry)
}

func countryOf(c cart.Checkout) string {
	for _, a := range []*cart.Address{c.Shipping, c.Billing} {
		if a != nil && a.CountryCode != "" {
			return a.CountryCode
		}
	}
	return ""
}
