package outbound_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/outbound"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	at     = time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	cartID = uuid.MustParse("01976c1e-1c4e-7d5b-8a70-6d1c52a90b11")
	callID = uuid.MustParse("01976c1e-44a1-7c0e-b3c2-5d9f7e1a2b44")
)

// with is a cart in a state for a reason, with changes.
func with(s cart.State, r cart.Reason, changes ...func(*cart.Cart)) cart.Cart {
	c := cart.Cart{ID: cartID, Shop: "acme.myshopify.com", Token: "t", State: s, Reason: r}
	for _, change := range changes {
		change(&c)
	}
	return c
}

// called gives a cart a call that came to an outcome.
func called(o cart.Outcome, changes ...func(*cart.Call)) func(*cart.Cart) {
	return func(c *cart.Cart) {
		call := cart.Call{ID: callID, Attempt: 1, State: cart.Closed, Outcome: o, SentAt: &at, PlacedAt: &at}
		for _, change := range changes {
			change(&call)
		}
		c.Calls = []cart.Call{call}
	}
}

func reported(k cart.ReportKind) cart.Event {
	return cart.CallReported{CallID: callID, Report: cart.Report{Kind: k}, Digest: []byte{1}}
}

func TestOfChange_TellsWhatMatters(t *testing.T) {
	t.Parallel()
	credited := func(a cart.Attribution) func(*cart.Cart) { return func(c *cart.Cart) { c.Attribution = a } }
	ordered := func(c *cart.Cart) { c.Order = &cart.Order{ID: "1"} }
	optedOut := func(c *cart.Call) { c.Insights.OptedOut = true }
	unplaced := func(c *cart.Call) { c.PlacedAt = nil }
	rejected := func(c *cart.Call) { c.State, c.PlacedAt = cart.Rejected, nil }
	for name, c := range map[string]struct {
		before, after cart.Cart
		event         cart.Event
		want          string
	}{
		"a new cart": {
			with("", ""),
			with(cart.Waiting, cart.Delay),
			cart.CheckoutSeen{}, "cart.waiting",
		},
		"a cart that cannot be called": {
			with("", ""),
			with(cart.Watching, cart.NoPhone),
			cart.CheckoutSeen{}, "",
		},
		"an update": {
			with(cart.Waiting, cart.Delay),
			with(cart.Waiting, cart.Delay),
			cart.CheckoutSeen{}, "",
		},
		"another reason": {
			with(cart.Waiting, cart.Delay),
			with(cart.Waiting, cart.Window),
			cart.Woken{}, "cart.waiting",
		},
		"ready": {
			with(cart.Waiting, cart.Delay),
			with(cart.Ready, cart.Due),
			cart.Woken{}, "cart.ready",
		},
		"ready by an operator": {
			with(cart.Ready, cart.Due),
			with(cart.Ready, cart.ByOperator),
			cart.OperatorCalled{}, "",
		},
		"stopped": {
			with(cart.Ready, cart.Due),
			with(cart.Stopped, cart.Operator),
			cart.OperatorCancelled{}, "cart.stopped",
		},
		"erased": {
			with(cart.Waiting, cart.Due),
			with(cart.Stopped, cart.Redacted),
			cart.Erased{}, "cart.stopped",
		},
		"erased later": {
			with(cart.Stopped, cart.Declined),
			with(cart.Stopped, cart.Declined),
			cart.Erased{}, "",
		},
		"bought": {
			with(cart.Waiting, cart.Due),
			with(cart.Purchased, cart.Ordered, ordered),
			cart.OrderSeen{}, "cart.purchased",
		},
		"the order comes later": {
			with(cart.Purchased, cart.Ordered),
			with(cart.Purchased, cart.Ordered, ordered),
			cart.OrderSeen{}, "cart.purchased",
		},
		"credited to something else": {
			with(cart.Purchased, cart.Ordered, ordered, credited(cart.Organic)),
			with(cart.Purchased, cart.Ordered, ordered, credited(cart.ByCall)),
			cart.OrderSeen{}, "cart.purchased",
		},
		"placed": {
			with(cart.Calling, cart.Due, called("", unplaced)),
			with(cart.Calling, cart.Due, called("")),
			cart.PlaceAccepted{}, "call.placed",
		},
		"not placed": {
			with(cart.Calling, cart.Due, called("", unplaced)),
			with(cart.Waiting, cart.Provider, called("", rejected)),
			cart.PlaceFailed{}, "cart.waiting",
		},
		"refused": {
			with(cart.Calling, cart.Due, called("", unplaced)),
			with(cart.Stopped, cart.Refused, called(cart.Invalid, rejected)),
			cart.PlaceRefused{}, "call.failed cart.stopped",
		},
		"no answer": {
			with(cart.Calling, cart.Due, called("")),
			with(cart.Waiting, cart.Spacing, called(cart.NoAnswer)),
			reported(cart.ReportNoAnswer), "call.no_answer cart.waiting",
		},
		"busy": {
			with(cart.Calling, cart.Due, called("")),
			with(cart.Calling, cart.Due, called(cart.Busy)),
			reported(cart.ReportBusy), "call.busy",
		},
		"lost": {
			with(cart.Calling, cart.Due, called("")),
			with(cart.Calling, cart.Due, called(cart.Lost)),
			cart.CallSilent{}, "call.failed",
		},
		"completed": {
			with(cart.Calling, cart.Due, called("")),
			with(cart.Calling, cart.Due, called(cart.Completed)),
			reported(cart.ReportFinished), "call.ended",
		},
		"corrected": {
			with(cart.Waiting, cart.Spacing, called(cart.Lost)),
			with(cart.Waiting, cart.Spacing, called(cart.NoAnswer)),
			reported(cart.ReportNoAnswer), "call.no_answer",
		},
		"analysed": {
			with(cart.Calling, cart.Due, called("")),
			with(cart.Calling, cart.Due, called("")),
			reported(cart.ReportAnalysed), "call.analysed",
		},
		"action": {
			with(cart.Calling, cart.Due, called("")),
			with(cart.Calling, cart.Due, called("")),
			reported(cart.ReportAction), "call.action",
		},
		"rings": {
			with(cart.Calling, cart.Due, called("")),
			with(cart.Calling, cart.Due, called("")),
			reported(cart.ReportRinging), "",
		},
		"opted out on a call": {
			with(cart.Calling, cart.Due, called("")),
			with(cart.Stopped, cart.OptedOut, called("", optedOut)),
			reported(cart.ReportAnalysed), "call.analysed customer.opted_out cart.stopped",
		},
		"opted out elsewhere": {
			with(cart.Waiting, cart.Delay),
			with(cart.Stopped, cart.OptedOut),
			cart.OptOut{Source: "api"}, "customer.opted_out cart.stopped",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var types []string
			for _, e := range outbound.OfChange(&c.before, &c.after, c.event) {
				types = append(types, string(e.Type))
				assert.Equal(t, c.after.State, e.Facts.State)
			}
			assert.Equal(t, c.want, strings.Join(types, " "))
		})
	}
}

func TestOfCart_HasTheLinkWithTheCodeOfTheCallsOffer(t *testing.T) {
	t.Parallel()
	offered := func(c *cart.Call) {
		c.Offer = &cart.Offer{Code: "COMEBACK10", Value: decimal.New(10, 0), Type: "percentage"}
	}
	c := with(cart.Waiting, cart.Spacing, called(cart.NoAnswer, offered), func(c *cart.Cart) {
		c.Checkout.URL, c.Phone = "https://acme.myshopify.com/1/recover?key=k", "+919810000341"
	})
	event := outbound.Event{Type: outbound.CallNoAnswer, CallID: callID}
	told := outbound.Told{Event: event, Shop: c.Shop, At: at, Sequence: 3}
	body := outbound.OfCart(told, &c, policy.UTM{Source: "ringback"}, nil)
	link := "https://acme.myshopify.com/1/recover?key=k"
	assert.Equal(t, link+"&discount=COMEBACK10&utm_source=ringback", *body.Data.RecoveryURL)
	assert.Equal(t, "COMEBACK10", body.Data.Offer.Code)
	assert.Equal(t, 1, *body.Data.Attempt)
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	begin := `{"type":"call.no_answer","timestamp":"2026-10-05T09:00:00Z","data":{"version":1,"sequence":3,`
	assert.Contains(t, string(raw), begin)
	assert.Contains(t, string(raw), `"action":null`)
}

func TestSchema_NamesEveryTypeAndField(t *testing.T) {
	t.Parallel()
	var schema struct {
		Properties struct {
			Type struct{ Enum []outbound.Type }
			Data struct {
				Required   []string
				Properties map[string]any
			}
		}
	}
	require.NoError(t, json.Unmarshal(outbound.Schema(), &schema))
	assert.Equal(t, outbound.Types(), schema.Properties.Type.Enum)
	raw, err := json.Marshal(outbound.Data{})
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(raw, &fields))
	assert.Len(t, schema.Properties.Data.Properties, len(fields))
	for name := range fields {
		assert.Contains(t, schema.Properties.Data.Properties, name)
		assert.Contains(t, schema.Properties.Data.Required, name)
	}
}
