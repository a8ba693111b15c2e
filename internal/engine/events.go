package engine

import (
	"context"

	"ringback/internal/cart"
	"ringback/internal/outbound"
	"ringback/internal/postgres"

	"github.com/google/uuid"
)

// How the outside is told of changes.
//
// apply compares a cart before and after each event, and the transaction keeps what was noted on shops. From both,
// package outbound makes the events. The transaction of the change stores one delivery for each event and endpoint; the
// jobs deliver_events send them (deliver.go).

// tell notes the events of a change of a cart. It comes before the cart is stored, which counts them.
func (u *unit) tell(c *postgres.Cart, before *cart.Cart, ev cart.Event) {
	if !u.engine.endpoints.any() {
		return
	}
	for _, made := range outbound.OfChange(before, &c.Cart, ev) {
		if u.wanted(c.Shop, made.Type) {
			c.Events++
			u.addEvent(c.ID, c.Shop, c.Events, made)
		}
	}
}

// tellOfShops notes the events of what was noted on shops in this transaction.
func (u *unit) tellOfShops(ctx context.Context) error {
	if !u.engine.endpoints.any() {
		return nil
	}
	for _, noted := range u.Noted {
		made, is := outbound.OfShop(noted.Event, noted.Detail)
		if !is || !u.wanted(noted.Shop, made.Type) {
			continue
		}
		seq, err := u.CountShopEvent(ctx, noted.Shop)
		if err != nil {
			return err
		}
		u.addEvent(streamOf(noted.Shop), noted.Shop, seq, made)
	}
	return nil
}

// streamOf stands for a shop among the streams of carts.
func streamOf(shop string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceDNS, []byte(shop)) }

// wanted reports whether any endpoint is told of a type of event of a shop.
func (u *unit) wanted(shop string, t outbound.Type) bool {
	for _, p := range u.engine.endpoints.list {
		if p.wants(shop, t) {
			return true
		}
	}
	return false
}

// addEvent notes an event for each endpoint that wants it.
func (u *unit) addEvent(stream uuid.UUID, shop string, seq int, made outbound.Event) {
	for _, p := range u.engine.endpoints.list {
		if p.wants(shop, made.Type) {
			u.deliveries = append(u.deliveries, postgres.Delivery{
				Told:   outbound.Told{Event: made, Shop: shop, At: u.Now, Sequence: seq},
				Stream: stream, Endpoint: p.ID, EventID: postgres.EventIDAt(u.Now, u.told),
			})
			u.told++
			u.tellTo[p.ID] = true
		}
	}
}

// takeDeliveries returns the deliveries that were noted and are to be stored now.
func (u *unit) takeDeliveries() []postgres.Delivery {
	taken := u.deliveries
	u.deliveries = nil
	return taken
}
