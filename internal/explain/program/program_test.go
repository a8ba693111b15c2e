package program_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/explain/program"
	"ringback/internal/postgres"
	"ringback/internal/postgres/pgtest"
	"ringback/internal/seal"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

const shop = "acme.myshopify.com"

var (
	begun  = time.Date(2026, time.September, 7, 5, 0, 0, 0, time.UTC)
	cartID = uuid.MustParse("01991f00-0000-7000-8000-000000000001")
	callID = uuid.MustParse("01991f00-0000-7000-8000-0000000000a1")
)

// database is a fresh one with keys and a fixed clock.
func database(t *testing.T) *postgres.DB {
	t.Helper()
	box, err := seal.NewBox("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	require.NoError(t, err)
	db, err := postgres.Open(t.Context(), pgtest.New(t), box, func() time.Time { return begun })
	require.NoError(t, err)
	return db
}

// abandoned is a cart that was called once in vain and waits for the next attempt, with its ledger.
func abandoned() (postgres.Cart, []cart.Entry) {
	wake, sent, ended := begun.Add(3*time.Hour), begun.Add(46*time.Minute), begun.Add(47*time.Minute)
	seconds := 31
	c := postgres.Cart{Cart: cart.Cart{
		ID: cartID, Shop: shop, Token: "5f2c", State: cart.Waiting, Reason: cart.Spacing,
		Phone: "+919876543210", PhoneFrom: "sms_marketing", Country: "IN", Arm: cart.ArmCall,
		Checkout: cart.Checkout{
			Token: "5f2c", Email: "meera@example.com", Currency: "INR", Total: decimal.RequireFromString("6400"),
			Customer: cart.Customer{FirstName: "Meera", LastName: "Iyer"},
			Items: []cart.Item{
				{Title: "Handloom bedspread", VariantTitle: "Queen", Quantity: 1, Price: decimal.RequireFromString("6000")},
				{Title: "Cushion", Quantity: 2, Price: decimal.RequireFromString("200")},
			},
			CreatedAt: begun, UpdatedAt: begun,
		},
		LastActivityAt: begun, WakeAt: &wake, Attempts: 1, Updates: 1, CreatedAt: begun, UpdatedAt: ended,
		Calls: []cart.Call{{
			ID: callID, CartID: cartID, Shop: shop, Attempt: 1, State: cart.Closed, Outcome: cart.NoAnswer, Provider: "mirai",
			Assistant: "a", Phone: "+919876543210", CreatedAt: sent, SentAt: &sent, EndedAt: &ended, ClosedAt: &ended, Dials: 2,
			DurationSeconds: &seconds, Summary: "Nobody picked up.", RecordingURL: "https://voice.example.com/rec/1",
			Offer:    &cart.Offer{Code: "BACK10", Value: decimal.NewFromInt(10), Type: "percentage", ApplyAs: "additional"},
			Insights: cart.Insights{Callback: true},
		}},
	}}
	return c, []cart.Entry{
		{CartID: cartID, At: begun, Event: "checkout", To: cart.Waiting, Reason: cart.Delay, Trace: []cart.Step{
			{Rule: "state", Saw: "new", Verdict: cart.VerdictOK},
			{Rule: "caps.per_phone", Saw: "checked just before a call", Verdict: cart.VerdictSkipped},
			{Rule: "delay", Saw: "last touched at 2026-09-07T05:00:00Z, due 45m later", Verdict: cart.VerdictWait},
		}},
		{CartID: cartID, At: begun.Add(45 * time.Minute), Event: "wake", From: cart.Waiting, To: cart.Ready, Reason: cart.Due},
		{CartID: cartID, At: sent, Event: "line_free", CallID: &callID, From: cart.Ready, To: cart.Calling, Reason: cart.Due},
		{CartID: cartID, At: sent, Event: "call.placed", CallID: &callID, From: cart.Calling, To: cart.Calling, Reason: cart.Due},
		{CartID: cartID, At: ended, Event: "call.no_answer", CallID: &callID, From: cart.Calling, To: cart.Waiting, Reason: cart.Spacing},
	}
}

// seeded stores the cart and its ledger.
func seeded(t *testing.T) *postgres.DB {
	t.Helper()
	db := database(t)
	c, ledger := abandoned()
	require.NoError(t, db.InTx(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		if err := tx.SaveCart(ctx, &c, "a", nil); err != nil {
			return err
		}
		for _, e := range ledger {
			if err := tx.AppendLedger(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}))
	return db
}

var configured = &config.Config{Stores: map[string]config.Store{shop: {Timezone: "Asia/Kolkata"}}}

func TestAStoredCartIsTold(t *testing.T) {
	t.Parallel()
	db := seeded(t)
	for name, r := range map[string]program.Request{
		"plain.txt":  {ID: cartID.String()},
		"full.txt":   {Shop: shop, Token: "5f2c", Full: true},
		"plain.json": {ID: cartID.String(), JSON: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			r.Now, r.Out = begun.Add(time.Hour), &out
			require.NoError(t, program.Run(t.Context(), configured, db, r))
			golden(t, name, out.Bytes())
			if !r.Full {
				for _, secret := range []string{"9876543210", "meera@example.com", "Nobody picked up", "voice.example.com"} {
					assert.NotContains(t, out.String(), secret)
				}
			}
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestWhatIsAskedForMustBeOneCart(t *testing.T) {
	t.Parallel()
	db := database(t)
	for want, r := range map[string]program.Request{
		"name one cart":                  {},
		"name one cart: by its id":       {Shop: shop},
		"or by -shop and -checkout":      {ID: cartID.String(), Shop: shop, Token: "5f2c"},
		`"zero" is not the id of a cart`: {ID: "zero"},
		"there is no cart 01991f00":      {ID: cartID.String()},
		"there is no cart of that":       {Shop: shop, Token: "none"},
	} {
		assert.ErrorContains(t, program.Run(t.Context(), configured, db, r), want)
	}
}

func TestTimesAreUTCForAShopThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, program.Run(t.Context(), &config.Config{}, seeded(t), program.Request{ID: cartID.String(), Now: begun, Out: &out}))
	assert.Contains(t, out.String(), "Mon 7 Sep 2026 05:00:00 UTC")
}
