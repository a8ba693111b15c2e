package outbound

import (
	"time"

	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
)

// Sample is the body of an event that an operator sends to try an endpoint. Its values are made up: the number is one
// of those reserved for fiction (47 CFR 52, 555-0100 to 555-0199), the domain one of those for examples (RFC 2606).
func Sample(t Told) Body {
	if t.Type.OfShop() {
		return OfWholeShop(t, nil)
	}
	called := t.At.Add(-2 * time.Minute)
	c := cart.Cart{
		ID: uuid.MustParse("01900000-0000-7000-8000-000000000001"), Shop: t.Shop, Token: "sample-checkout",
		State: t.Facts.State, Phone: "+12025550100",
		Checkout: cart.Checkout{
			URL: "https://" + t.Shop + "/1/checkouts/ac/sample-checkout/recover?key=sample", Email: "jane@example.com",
			Customer: cart.Customer{FirstName: "Jane", LastName: "Doe"}, Total: decimal.New(149900, -2), Currency: "USD",
		},
	}
	call := cart.Call{
		ID: uuid.MustParse("01900000-0000-7000-8000-000000000002"), Attempt: 1, State: cart.Closed, Outcome: t.Facts.Outcome,
		Provider: "sample", SentAt: &called, PlacedAt: &called, EndedAt: &called,
		Offer: &cart.Offer{Code: "SAMPLE10", Description: "ten per cent off", Value: decimal.New(10, 0), Type: "percentage"},
	}
	c.Calls = []cart.Call{call}
	t.CallID = call.ID
	return OfCart(t, &c, policy.UTM{}, nil)
}

// SampleFacts are the facts of a sample event of a type.
func SampleFacts(t Type) Facts {
	f := Facts{Test: true, Attempts: 1, State: cart.Waiting, Reason: cart.Spacing}
	switch t {
	case CartReady:
		f.State, f.Reason = cart.Ready, cart.Due
	case CartStopped:
		f.State, f.Reason = cart.Stopped, cart.Exhausted
	case CartPurchased:
		f.State, f.Reason, f.Attribution = cart.Purchased, cart.Ordered, cart.ByOffer
	case CallPlaced, CallAction:
		f.State, f.Reason = cart.Calling, cart.Due
	case CallNoAnswer:
		f.Outcome = cart.NoAnswer
	case CallVoicemail:
		f.Outcome = cart.Voicemail
	case CallBusy:
		f.Outcome = cart.Busy
	case CallFailed:
		f.Outcome = cart.Failed
	case CallEnded, CallAnalysed:
		f.State, f.Reason, f.Outcome = cart.Stopped, cart.Exhausted, cart.Completed
	case CustomerOptedOut:
		f.State, f.Reason, f.Source = cart.Stopped, cart.OptedOut, "call"
	case ShopPaused, ShopResumed:
		return Facts{Test: true, Source: "dashboard"}
	case BreakerTripped:
		return Facts{Test: true, Why: "8 of the last 10 calls failed"}
	case CartWaiting:
	}
	return f
}
