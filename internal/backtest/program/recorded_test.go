package program

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ringback/internal/backtest"
	"ringback/internal/cart"
	"ringback/internal/policy"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkout is a webhook's payload, touched at a moment, of the customer with the n-th number.
func checkout(token string, n int, at time.Time, extra string) string {
	return fmt.Sprintf(`{"token": %q, "cart_token": "c-%[1]s", "currency": "INR", "total_price": "1895.00", "email": %[2]q, "customer": {"id": %[3]d},
		"shipping_address": {"phone": %[4]q, "country_code": "IN"}, "buyer_accepts_sms_marketing": true, "sms_marketing_phone": %[4]q,
		"line_items": [{"title": "Kurta", "quantity": 1, "price": "1895.00"}], "created_at": "2026-09-07T04:30:00Z", "updated_at": %[5]q%[6]s}`, token, email(n), 7000+n, number(n), at.Format(time.RFC3339), extra)
}

func order(id, checkoutToken, mail string, at time.Time) string {
	return fmt.Sprintf(`{"id": %s, "checkout_token": %q, "email": %q, "total_price": "1705.50", "currency": "INR",
		"created_at": %q, "discount_codes": [{"code": "BACK10"}]}`, id, checkoutToken, mail, at.Format(time.RFC3339))
}

func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestRecordedWebhooksAreDecided(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		"checkouts_create.asha.json":     checkout("asha", 1, monday, ""),
		"checkouts_update.asha.json":     checkout("asha", 1, monday.Add(30*time.Minute), ""),
		"checkouts_update.bought.json":   checkout("bought", 2, monday, ""),
		"orders_create.bought.json":      order("11", "bought", "", monday.Add(10*time.Minute)),
		"checkouts_update.done.json":     checkout("done", 3, monday.Add(20*time.Minute), `, "completed_at": "2026-09-07T04:50:00Z"`),
		"checkouts_create.done.json":     checkout("done", 3, monday, ""),
		"checkouts_create.mail.json":     checkout("mail", 4, monday, ""),
		"orders_paid.mail.json":          order("12", "", email(4), monday.Add(5*time.Minute)),
		"checkouts_create.late.json":     checkout("late", 5, monday, ""),
		"orders_create.late.json":        order("13", "late", "", monday.Add(2*time.Hour)),
		"rest_checkouts_list.two.json":   `{"checkouts": [` + checkout("first", 6, monday, "") + `,` + checkout("second", 7, monday, "") + `]}`,
		"checkouts_create.broken.json":   `{"token": `,
		"checkouts_create.timeless.json": `{"token": "timeless"}`,
		"orders_create.timeless.json":    `{"id": 14}`,
		"app_uninstalled.json":           `{}`,
		"notes.txt":                      `nothing`,
	})
	var out, errs bytes.Buffer
	r := Request{Config: configured(), Shop: acme, Dir: dir, JSON: true, Now: monday.AddDate(0, 1, 0), Out: &out, Err: &errs}
	require.NoError(t, Run(t.Context(), r))
	var report backtest.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))

	assert.Equal(t, 7, report.Carts)
	assert.Equal(t, 4, report.Policy.Called, "asha, late, first, second")
	assert.Equal(t, map[cart.Reason]int{cart.Ordered: 3}, ends(report.Policy))
	assert.Equal(t, 3, report.Policy.Hours[0][10])
	assert.Equal(t, 1, report.Policy.Hours[0][11], "asha touched it again")
	for _, name := range []string{"checkouts_create.broken.json", "checkouts_create.timeless.json", "orders_create.timeless.json"} {
		assert.Contains(t, errs.String(), "left out: "+name)
	}
	assert.NotContains(t, errs.String(), "notes.txt")
}

func TestOfAPersonsCartsTheNewestIsBought(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		"checkouts_create.a.json": checkout("a", 1, monday, ""),
		"checkouts_create.b.json": checkout("b", 1, monday.Add(time.Minute), ""),
		"orders_create.c.json":    order("11", "", email(1), monday.Add(2*time.Minute)),
	})
	only := configured()
	delete(only.Stores, bazar)
	p, err := policyOf(only, "")
	require.NoError(t, err)
	var errs bytes.Buffer
	carts, err := Request{Config: only, Dir: dir, Err: &errs}.carts(t.Context(), backtest.Options{Policy: p})
	require.NoError(t, err)
	var got []*backtest.Cart
	for c, err := range carts {
		require.NoError(t, err)
		got = append(got, c)
	}
	require.Len(t, got, 2)
	at := monday.Add(2 * time.Minute)
	assert.Equal(t, at, *got[0].OrderedAt)
	assert.Equal(t, backtest.Event{At: at, Event: cart.OrderSeen{Other: true}}, got[0].Events[1])
	assert.Nil(t, got[1].OrderedAt)
	assert.Equal(t, at, got[1].Events[1].At)
	bought := got[1].Events[1].Event.(cart.OrderSeen)
	assert.False(t, bought.Other)
	assert.Equal(t, []string{"BACK10"}, bought.Order.Codes)
	assert.NotEqual(t, got[0].ID, got[1].ID)
}

func TestARecordedFolderAgainstItselfShowsNoDifference(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for n := range 50 {
		token := fmt.Sprintf("t%02d", n)
		files["checkouts_create."+token+".json"] = checkout(token, n%20, monday.Add(time.Duration(n)*time.Minute), "")
	}
	var out, errs bytes.Buffer
	capped := func(r *policy.Rules) { r.Caps.DailyCalls = 7 }
	r := Request{
		Config: configured(capped), Against: configured(capped), Shop: acme, Dir: folderOf(t, files), Now: monday.AddDate(0, 1, 0), Out: &out, Err: &errs,
	}
	require.NoError(t, Run(t.Context(), r))
	assert.Contains(t, out.String(), "50 carts, decided anew; nobody was called.")
	assert.Contains(t, out.String(), "the same                            50")
	assert.NotContains(t, out.String(), "differences")
}
