package shopify_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/shopify"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func tenPercent(w *world) shopify.Discount {
	return shopify.Discount{
		CartID: uuid.MustParse("01926b3e-7c00-7000-8000-000000000001"), Attempt: 2, Prefix: "COMEBACK", Type: "percentage",
		Value: decimal.RequireFromString("12.5"), StartsAt: w.clock.Now(), EndsAt: w.clock.Now().Add(48 * time.Hour), CombinesWith: true,
	}
}

func TestMintingTwiceMakesOneCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client(t)
	d := tenPercent(w)
	first, err := client.CreateDiscount(soon(t), d)
	require.NoError(t, err)
	assert.Equal(t, d.Code(), first.Code)
	assert.Regexp(t, `^COMEBACK-[0-9A-HJKMNP-TV-Z]{8}$`, first.Code)
	assert.Equal(t, d.EndsAt, first.EndsAt)

	w.clock.Advance(time.Hour)
	retry := d
	retry.StartsAt, retry.EndsAt = d.StartsAt.Add(time.Hour), d.EndsAt.Add(time.Hour)
	second, err := client.CreateDiscount(soon(t), retry)
	require.NoError(t, err)
	assert.Equal(t, first, second, "the one of the earlier try, with its own end")
	assert.Len(t, w.shop.Codes(), 1)
}

func TestACodeWorksOnceAndForItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client(t)
	d := tenPercent(w)
	minted, err := client.CreateDiscount(soon(t), d)
	require.NoError(t, err)

	order, err := w.shop.Buy(w.shop.NewCheckout(scarf), minted.Code)
	require.NoError(t, err)
	assert.Equal(t, "788.37", order.Total.String(), "901 less 12.5 %")
	assert.Contains(t, order.Codes, minted.Code)
	_, err = w.shop.Buy(w.shop.NewCheckout(scarf), minted.Code)
	require.Error(t, err, "used up")

	d.Attempt = 3
	d.Type, d.Value = "fixed", decimal.RequireFromString("100.50")
	fixed, err := client.CreateDiscount(soon(t), d)
	require.NoError(t, err)
	assert.NotEqual(t, minted.Code, fixed.Code)
	order, err = w.shop.Buy(w.shop.NewCheckout(scarf), fixed.Code)
	require.NoError(t, err)
	assert.Equal(t, "800.5", order.Total.String())

	d.Attempt = 4
	late, err := client.CreateDiscount(soon(t), d)
	require.NoError(t, err)
	require.NoError(t, client.DeactivateDiscount(soon(t), late.GID))
	require.NoError(t, client.DeactivateDiscount(soon(t), late.GID))
	_, err = w.shop.Buy(w.shop.NewCheckout(scarf), late.Code)
	require.Error(t, err, "deactivated")
	require.NoError(t, client.DeactivateDiscount(soon(t), "gid://shopify/DiscountCodeNode/1"), "one that is gone")
}

func TestCodesOfOthersAreNotTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client(t)
	d := tenPercent(w)
	w.shop.AddCode(d.Code(), "Spring sale")
	_, err := client.CreateDiscount(soon(t), d)
	require.ErrorIs(t, err, shopify.ErrCodeTaken)
	assert.False(t, shopify.Temporary(err))
	d.Attempt++
	_, err = client.CreateDiscount(soon(t), d)
	require.NoError(t, err)
	for range 200 {
		d.CartID = uuid.New()
		assert.NotEqual(t, tenPercent(w).Code(), d.Code())
	}
	d.Prefix = ""
	assert.Regexp(t, `^[0-9A-HJKMNP-TV-Z]{8}$`, d.Code())
}

func TestDiscountsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client(t)
	for want, change := range map[string]func(*shopify.Discount){
		"at most 100":  func(d *shopify.Discount) { d.Value = decimal.New(101, 0) },
		"above 0":      func(d *shopify.Discount) { d.Value = decimal.Zero },
		"an amount":    func(d *shopify.Discount) { d.Type, d.Value = "fixed", decimal.New(-1, 0) },
		"neither":      func(d *shopify.Discount) { d.Type = "free_shipping" },
		"is not after": func(d *shopify.Discount) { d.EndsAt = d.StartsAt },
	} {
		d := tenPercent(w)
		change(&d)
		_, err := client.CreateDiscount(soon(t), d)
		require.ErrorContains(t, err, want)
	}
	_, err := w.client(t, "read_orders").CreateDiscount(soon(t), tenPercent(w))
	require.ErrorIs(t, err, shopify.ErrDenied)
	assert.Empty(t, w.shop.Codes())
}

func TestMergeKeepsWhatOnlyOneSourceKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	yes, no := true, false
	known := cart.Checkout{
		Token: "tok", CartToken: "c1", ID: "5", Email: "old@example.org", Locale: "en-IN", SourceName: "web",
		Phones:           []cart.RawPhone{{From: "phone", Number: "1"}, {From: "shipping", Number: "2", Country: "IN"}},
		AcceptsMarketing: &yes, AcceptsSMS: &yes, SMSPhone: "1", Billing: &cart.Address{City: "Mysuru"},
		Items:      []cart.Item{{Title: "Scarf", SKU: "S", VariantID: "11", ProductID: "1", Vendor: "Loom", Quantity: 1}},
		Codes:      []cart.DiscountCode{{Code: "HELLO", Amount: decimal.New(5, 0), Type: "fixed_amount"}, {Code: "GONE"}},
		Attributes: map[string]string{"a": "b"},
	}
	at := w.clock.Now()
	asked := cart.Checkout{
		ID: "5", CartToken: "c1", Email: "new@example.org", UpdatedAt: at, Total: decimal.New(20, 0), Currency: "INR", CompletedAt: &at,
		Phones:     []cart.RawPhone{{From: "shipping", Number: "2", Country: "IN"}, {From: "customer", Number: "3"}},
		AcceptsSMS: &no, Customer: cart.Customer{ID: "9"},
		Items: []cart.Item{{Title: "Scarf", SKU: "S", Quantity: 2}, {Title: "Hat", Quantity: 1}},
		Codes: []cart.DiscountCode{{Code: "hello"}, {Code: "NEW"}},
	}
	assert.Equal(t, cart.Checkout{
		Token: "tok", CartToken: "c1", ID: "5", Email: "new@example.org", Locale: "en-IN", SourceName: "web", UpdatedAt: at,
		Total: decimal.New(20, 0), Currency: "INR", CompletedAt: &at, Customer: cart.Customer{ID: "9"}, Billing: &cart.Address{City: "Mysuru"},
		Phones: []cart.RawPhone{
			{From: "phone", Number: "1"}, {From: "shipping", Number: "2", Country: "IN"}, {From: "customer", Number: "3"},
		},
		AcceptsMarketing: &yes, AcceptsSMS: &no, SMSPhone: "1",
		Items: []cart.Item{
			{Title: "Scarf", SKU: "S", VariantID: "11", ProductID: "1", Vendor: "Loom", Quantity: 2}, {Title: "Hat", Quantity: 1},
		},
		Codes:      []cart.DiscountCode{{Code: "HELLO", Amount: decimal.New(5, 0), Type: "fixed_amount"}, {Code: "NEW"}},
		Attributes: map[string]string{"a": "b"},
	}, shopify.Merge(known, asked))
}
