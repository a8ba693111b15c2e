package explain_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/explain"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var begun = time.Date(2026, time.September, 7, 5, 0, 0, 0, time.UTC)

func TestWhatHappensNext(t *testing.T) {
	t.Parallel()
	soon, past := begun.Add(90*time.Minute), begun.Add(-time.Minute)
	open := cart.Call{Attempt: 2, State: cart.Ringing, WatchAt: &soon}
	for name, test := range map[string]struct {
		cart cart.Cart
		says string
		at   *time.Time
	}{
		"watching":  {cart.Cart{State: cart.Watching, Reason: cart.NoConsent}, "Every update of the checkout looks again", nil},
		"waiting":   {cart.Cart{State: cart.Waiting, Reason: cart.Window, WakeAt: &soon}, "looked at again on Mon 7 Sep 2026 06:30:00 UTC (in 1 h 30 min). It is outside", &soon},
		"late":      {cart.Cart{State: cart.Waiting, Reason: cart.Delay, WakeAt: &past}, "about to be looked at again: that was due on Mon 7 Sep 2026 04:59:00 UTC (1 min ago)", &past},
		"callback":  {cart.Cart{State: cart.Waiting, Reason: cart.Callback, WakeAt: &soon, CallbackAt: &soon}, "asked to be called on Mon 7 Sep", &soon},
		"no wake":   {cart.Cart{State: cart.Waiting, Reason: cart.Delay}, "looked at again shortly", nil},
		"ready":     {cart.Cart{State: cart.Ready}, "as soon as the assistant has a free line", nil},
		"calling":   {cart.Cart{State: cart.Calling, Calls: []cart.Call{open}}, "Call 2 is under way (ringing). If nothing is heard of it", &soon},
		"unwatched": {cart.Cart{State: cart.Calling, Calls: []cart.Call{{Attempt: 1, State: cart.Placing}}}, "Call 1 is under way (being placed).", nil},
		"call over": {cart.Cart{State: cart.Calling}, "being settled", nil},
		"purchased": {cart.Cart{State: cart.Purchased, Reason: cart.Ordered}, "that is final", nil},
		"stopped":   {cart.Cart{State: cart.Stopped, Reason: cart.OptedOut}, "never called again", nil},
		"stopping":  {cart.Cart{State: cart.Stopped, Reason: cart.Operator, Calls: []cart.Call{open}}, "The call that is still under way is stopped", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story := explain.Tell(&test.cart, nil, explain.Options{Now: begun})
			assert.Contains(t, story.Next, test.says)
			assert.Equal(t, test.at, story.NextAt)
		})
	}
}

// Names of every event, state and outcome are told in words of their own.
func TestEverythingHasItsWords(t *testing.T) {
	t.Parallel()
	events := []cart.Event{
		cart.CheckoutSeen{}, cart.CheckoutDeleted{}, cart.OrderSeen{}, cart.OrderRefunded{}, cart.Woken{}, cart.LineFree{},
		cart.SendBegun{}, cart.PlaceAccepted{},
		cart.PlaceFailed{}, cart.PlaceRefused{}, cart.PlaceUncertain{}, cart.AbortAnswered{}, cart.CallSilent{}, cart.OptOut{},
		cart.ConsentChanged{}, cart.ShopPaused{}, cart.ShopResumed{}, cart.AppUninstalled{}, cart.OperatorCancelled{}, cart.OperatorCalled{},
		cart.NewerCart{}, cart.Erased{},
	}
	for _, kind := range []cart.ReportKind{
		cart.ReportRinging, cart.ReportTalking, cart.ReportHungUp, cart.ReportRecorded, cart.ReportAnalysed, cart.ReportFinished, cart.ReportTimeout,
		cart.ReportNoAnswer, cart.ReportBusy, cart.ReportFailed, cart.ReportInvalid, cart.ReportSkipped, cart.ReportRescheduled, cart.ReportAborted,
		cart.ReportAction, cart.ReportOther,
	} {
		events = append(events, cart.CallReported{Report: cart.Report{Kind: kind}})
	}
	said := map[string]string{}
	for _, e := range events {
		story := explain.Tell(&cart.Cart{}, []cart.Entry{{Event: e.Name()}}, explain.Options{})
		says := story.Ledger[0].Says
		assert.NotContains(t, says, e.Name()+".")
		assert.Empty(t, said[says], "%s says the same as another event", e.Name())
		said[says] = e.Name()
	}
	assert.Equal(t, "Something new", explain.Tell(&cart.Cart{}, []cart.Entry{{Event: "something_new"}}, explain.Options{}).Ledger[0].Says)

	says := map[string]bool{}
	calls := []cart.Call{}
	for _, s := range []cart.CallState{cart.Placing, cart.Uncertain, cart.Placed, cart.Ringing, cart.Talking, cart.Ended, cart.Rejected, cart.Closed} {
		calls = append(calls, cart.Call{State: s})
	}
	for _, o := range []cart.Outcome{cart.Completed, cart.NoAnswer, cart.Busy, cart.Failed, cart.Timeout, cart.Aborted, cart.Skipped, cart.Lost, cart.Invalid} {
		calls = append(calls, cart.Call{State: cart.Closed, Outcome: o})
	}
	for _, c := range explain.Tell(&cart.Cart{Calls: calls}, nil, explain.Options{}).Calls {
		assert.False(t, says[c.Says], "%s %v says the same as another", c.State, c.Outcome)
		says[c.Says] = true
	}
}

func TestAnErasedCartTellsNothingOfAnybody(t *testing.T) {
	t.Parallel()
	erased := begun
	story := explain.Tell(&cart.Cart{State: cart.Stopped, Reason: cart.Redacted, ErasedAt: &erased}, nil, explain.Options{Full: true})
	var out bytes.Buffer
	require.NoError(t, story.Write(&out))
	assert.Contains(t, out.String(), "customer  erased")
	assert.Contains(t, out.String(), "The ledger holds nothing of this cart.")
}

func TestAShortNumberIsMaskedWhole(t *testing.T) {
	t.Parallel()
	story := explain.Tell(&cart.Cart{Phone: "+1234"}, nil, explain.Options{})
	assert.Equal(t, "•••••", *story.Customer.Phone)
}

func TestAFixedOfferNamesItsCurrency(t *testing.T) {
	t.Parallel()
	c := cart.Cart{Checkout: cart.Checkout{Currency: "INR"}, Calls: []cart.Call{{Offer: &cart.Offer{Code: "A", Type: "fixed", Value: decimal.NewFromInt(150)}}}}
	assert.Equal(t, "A, 150.00 INR off", *explain.Tell(&c, nil, explain.Options{}).Calls[0].Offer)
}

func TestTheJSONHoldsNullsForWhatIsAbsent(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(explain.Tell(&cart.Cart{State: cart.Watching}, nil, explain.Options{}))
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(text, &got))
	for _, field := range []string{"currency", "attribution", "next_at"} {
		value, there := got[field]
		assert.True(t, there, field)
		assert.Nil(t, value, field)
	}
	assert.Equal(t, []any{}, got["ledger"])
	assert.Equal(t, []any{}, got["calls"])
}
