package lifecycle_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestApply_ChangedIsFalseExactlyWhenNothingChanged(t *testing.T) {
	t.Parallel()
	test := t
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(test)
		if rapid.Bool().Draw(t, "called") {
			s.does(s.checkout())
			s.calls()
		}
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			s.passes(rapid.SampledFrom([]time.Duration{0, time.Second, 10 * time.Minute, 3 * time.Hour}).Draw(t, "later"))
			e := anyEvent(t, s)
			before := asText(t, s.cart)
			result := lifecycle.Apply(s.cart, e, s.rules, s.facts, s.now)
			require.Equal(t, before, asText(t, s.cart), "%T changes the cart that it is given", e)
			if result.Changed {
				require.True(t, len(result.Effects) > 0 || !reflect.DeepEqual(s.cart, result.Cart), "%T changed nothing", e)
				require.Equal(t, s.now, result.Cart.UpdatedAt)
			} else {
				require.Empty(t, result.Effects, "%T", e)
				require.True(t, reflect.DeepEqual(s.cart, result.Cart), "%T changed the cart", e)
			}
			s.does(e)
		}
	})
}

func TestApply_RepeatedEventChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.does(s.checkout())
	id := s.calls()
	for _, e := range []cart.Event{
		cart.Woken{}, cart.LineFree{CallID: uuid.Must(uuid.NewV7())}, cart.SendBegun{CallID: id},
		cart.PlaceAccepted{CallID: id, ProviderCallID: "p-" + id.String()}, cart.PlaceFailed{CallID: id},
		cart.PlaceUncertain{CallID: id}, cart.CallSilent{CallID: id}, cart.ShopResumed{}, cart.ConsentChanged{},
	} {
		s.passes(time.Second)
		result := lifecycle.Apply(s.cart, e, s.rules, s.facts, s.now)
		assert.False(t, result.Changed, "%T", e)
		assert.Equal(t, s.cart, result.Cart, "%T", e)
	}
}

func asText(t require.TestingT, c cart.Cart) string {
	text, err := json.Marshal(c)
	require.NoError(t, err)
	return string(text)
}

// anyEvent draws an event of any kind, of the cart's own calls where it is about one.
func anyEvent(t *rapid.T, s *story) cart.Event {
	id := uuid.Must(uuid.NewV7())
	if n := len(s.cart.Calls); n > 0 && rapid.IntRange(0, 9).Draw(t, "known call") > 0 {
		id = s.cart.Calls[rapid.IntRange(0, n-1).Draw(t, "call")].ID
	}
	yes := rapid.Bool().Draw(t, "yes")
	order := cart.Order{
		ID: rapid.SampledFrom([]string{"9", "10"}).Draw(t, "order"), Email: "asha@example.com",
		CreatedAt: s.now, UpdatedAt: s.now.Add(-rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "older")),
	}
	switch rapid.IntRange(0, 24).Draw(t, "kind") {
	case 24:
		return cart.OrderRefunded{OrderID: order.ID, Refund: cart.Refund{
			ID: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "refund"), Amount: cart.Amount{Value: decimal.NewFromInt(5)},
		}}
	case 0:
		return s.checkout()
	case 1:
		return s.checkout(func(c *cart.Checkout) { c.UpdatedAt = start })
	case 2:
		return s.checkout(func(c *cart.Checkout) { c.Phones = nil })
	case 3:
		return s.checkout(func(c *cart.Checkout) { c.CompletedAt = &c.UpdatedAt })
	case 4:
		return cart.CheckoutDeleted{}
	case 5:
		return cart.OrderSeen{Order: order, Match: cart.MatchCheckout, Other: yes}
	case 6:
		return cart.LineFree{CallID: uuid.Must(uuid.NewV7())}
	case 7:
		return cart.SendBegun{CallID: id, TokenHash: []byte("hash")}
	case 8:
		return cart.PlaceAccepted{CallID: id, ProviderCallID: "p"}
	case 9:
		return cart.PlaceFailed{CallID: id, Error: "busy"}
	case 10:
		return cart.PlaceRefused{CallID: id, Error: "no", Invalid: yes}
	case 11:
		return cart.PlaceUncertain{CallID: id, Error: "timeout"}
	case 12:
		return cart.AbortAnswered{CallID: id, Accepted: yes, GaveUp: rapid.Bool().Draw(t, "gave up")}
	case 13:
		return cart.CallSilent{CallID: id}
	case 14:
		return cart.OptOut{Source: "api"}
	case 15:
		return cart.ConsentChanged{Marketing: &yes}
	case 16:
		return cart.ShopPaused{Breaker: yes}
	case 17:
		return cart.ShopResumed{}
	case 18:
		return rapid.SampledFrom([]cart.Event{cart.AppUninstalled{}, cart.OperatorCancelled{}}).Draw(t, "end")
	case 19:
		return cart.OperatorCalled{}
	case 20:
		return cart.NewerCart{}
	case 21:
		return cart.Erased{}
	case 22:
		return cart.Woken{}
	}
	e := report(id, rapid.SampledFrom(append([]cart.ReportKind{
		cart.ReportNoAnswer, cart.ReportBusy, cart.ReportRescheduled, cart.ReportAborted, cart.ReportAction, cart.ReportOther,
		cart.ReportVoicemail,
	}, talked...)).Draw(t, "report"), s.now)
	if seconds := rapid.SampledFrom([]int{-1, 1, 9, 45}).Draw(t, "seconds"); seconds >= 0 {
		e.Report.DurationSeconds = &seconds
	}
	e.Report.Insights = rapid.SampledFrom([]cart.Insights{
		{}, {OfferMentioned: true}, {OfferUnmentioned: true}, {OfferAccepted: true}, {Voicemail: true},
		{Person: true}, {Screened: true}, {Interested: true}, {Callback: true}, {Declined: true},
	}).Draw(t, "said")
	e.Report.AbandonReason = rapid.SampledFrom([]string{"", "Price", "It is 5 rupees too much"}).Draw(t, "why")
	if yes {
		e.Digest = nil
		e.Report.Transcript = "agent: hello"
		e.Report.Analysis = cart.Analysis{Success: &yes, Findings: []cart.Finding{{Name: "size", Value: `"M"`}}}
		if code := "comeback10"; e.Report.Kind == cart.ReportAction {
			e.Report.Discount = &code
		}
	}
	return e
}
