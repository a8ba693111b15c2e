package webtest

import (
	"context"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func ledgerOf(c cart.Cart) []cart.Entry {
	return []cart.Entry{
		{CartID: c.ID, At: c.CreatedAt, Event: "checkout", To: cart.Waiting, Reason: cart.Delay, Trace: []cart.Step{
			{Rule: "phone", Saw: "a mobile number of the checkout", Verdict: cart.VerdictOK},
			{Rule: "delay", Saw: "45m after the last activity", Verdict: cart.VerdictWait},
		}},
		{CartID: c.ID, At: c.UpdatedAt, Event: "wake", From: cart.Waiting, To: c.State, Reason: c.Reason},
	}
}

// NewID makes a UUIDv7, as the program does: later ids sort after earlier ones.
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// SomeCart is a cart of Asha in acme that waits.
func SomeCart() cart.Cart {
	wake := Now.Add(30 * time.Minute)
	return cart.Cart{
		ID: NewID(), Shop: Acme, Token: uuid.NewString(), State: cart.Waiting, Reason: cart.Delay,
		Phone: "+919876543210", PhoneFrom: "phone", Country: "IN",
		Checkout: cart.Checkout{
			Token: "t", ID: "9001", Email: "asha@example.com",
			Customer: cart.Customer{ID: "7", FirstName: "Asha", LastName: "Rao"},
			Currency: "INR", Total: decimal.RequireFromString("1895.5"),
			Items: []cart.Item{
				{Title: "Brass lamp", VariantTitle: "Large", Quantity: 2, Price: decimal.RequireFromString("947.75")},
			},
			CreatedAt: Now.Add(-time.Hour), UpdatedAt: Now.Add(-15 * time.Minute),
		},
		LastActivityAt: Now.Add(-15 * time.Minute), WakeAt: &wake, Updates: 3,
		CreatedAt: Now.Add(-time.Hour), UpdatedAt: Now.Add(-15 * time.Minute),
	}
}

// BoughtCart is a cart of Ben in bolt that a call won back.
func BoughtCart() cart.Cart {
	c := SomeCart()
	c.Shop, c.State, c.Reason, c.WakeAt = Bolt, cart.Purchased, cart.Ordered, nil
	c.Phone, c.Country = "+14155550123", "US"
	c.Checkout.Customer = cart.Customer{FirstName: "Ben", LastName: "Ito"}
	c.Checkout.Email = "ben@example.com"
	c.Checkout.Currency, c.Checkout.Total = "USD", decimal.RequireFromString("120")
	c.Attribution, c.Arm, c.Attempts = cart.ByCall, cart.ArmCall, 1
	bought := Now.Add(-10 * time.Minute)
	c.PurchasedAt = &bought
	c.Order = &cart.Order{
		ID: "5551", Name: "#1017", Total: decimal.RequireFromString("108"), Currency: "USD",
		CreatedAt: bought, UpdatedAt: bought,
	}
	c.Calls = []cart.Call{ClosedCall(c)}
	return c
}

// ClosedCall is a conversation of 95 seconds, with an offer.
func ClosedCall(c cart.Cart) cart.Call {
	sent, answered, closed := Now.Add(-40*time.Minute), Now.Add(-39*time.Minute), Now.Add(-37*time.Minute)
	seconds := 95
	return cart.Call{
		ID: NewID(), CartID: c.ID, Shop: c.Shop, Attempt: 1, State: cart.Closed, Outcome: cart.Completed,
		Provider: "mirai", Assistant: "any", ProviderCallID: "prov-1", Phone: c.Phone,
		Offer: &cart.Offer{
			Code: "COMEBACK10", Description: "10 % off", Value: decimal.NewFromInt(10),
			Type: "percentage", ApplyAs: "additional",
		},
		CreatedAt: sent, SentAt: &sent, PlacedAt: &sent, AnsweredAt: &answered,
		EndedAt: &closed, ClosedAt: &closed, HeardAt: &closed,
		Dials: 1, DurationSeconds: &seconds, Summary: "Will buy today.",
		RequiredActions: []string{"send_link"}, AbandonReason: "shipping_cost", OfferFate: cart.OfferMentioned,
		Analysis: &cart.Analysis{Sentiment: "positive", Findings: []cart.Finding{
			{Name: "abandon_reason", Value: `"shipping cost"`}, {Name: "interested", Value: "true"},
		}},
		Transcript:   "agent: Hello, this is Meera from Acme.\ncustomer: Hello! The shipping costs too much.",
		RecordingURL: "https://recordings.example/1.mp3",
	}
}

// DataRequest asks for what is stored of the customer of SomeCart.
func DataRequest(s *Site) string {
	s.T.Helper()
	var id uuid.UUID
	require.NoError(s.T, s.DB.InTx(s.T.Context(), func(ctx context.Context, tx *postgres.Tx) (err error) {
		asha := cart.PersonWith("", []string{"asha@example.com"}, nil)
		id, err = tx.AskPrivacy(ctx, Acme, postgres.PrivacyDataRequest, "w1", asha)
		return err
	}))
	return id.String()
}
