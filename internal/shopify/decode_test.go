package shopify

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return body
}

func amount(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func TestDecodeCheckoutOfAGuest(t *testing.T) {
	t.Parallel()
	c, err := DecodeCheckout(fixture(t, "checkouts_create.guest.json"), Delivery{})
	require.NoError(t, err)
	no := false
	assert.Equal(t, cart.Checkout{
		Token: "tok-guest-1", ID: "70000000000000007",
		URL:              "https://lamps.myshopify.com/1/checkouts/cn/tok-guest-1/recover?key=k",
		Currency:         "INR",
		Total:            amount("945.00"),
		Subtotal:         amount("900.00"),
		Discounts:        amount("0.00"),
		Items:            []cart.Item{{Title: "Clay Lamp", VariantID: "43", ProductID: "79", Quantity: 2, Price: amount("450.00")}},
		AcceptsMarketing: &no, AcceptsSMS: &no,
		SourceName: "web",
		CreatedAt:  time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
		UpdatedAt:  time.Date(2026, 3, 1, 10, 0, 9, 0, time.UTC),
	}, c)
}

func TestDecodeCheckoutOf2026_10(t *testing.T) {
	t.Parallel()
	c, err := DecodeCheckout(fixture(t, "checkouts_update.2026-10.json"), Delivery{})
	require.NoError(t, err)
	yes, three := true, 3
	assert.Equal(t, cart.Checkout{
		Token: "tok-new-1", ID: "981820079255240001", CartToken: "cart-new-1",
		URL:   "https://loom.myshopify.com/2/checkouts/ac/cart-new-1/recover?key=abc",
		Email: "asha@example.org",
		Phones: []cart.RawPhone{
			{From: "shipping", Number: "98123 00001", Country: "IN"},
			{From: "default_address", Number: "098123-00001", Country: "IN"},
			{From: "sms_marketing", Number: "+919812300001"},
		},
		Customer: cart.Customer{
			ID: "603851970716743426", FirstName: "Asha", Email: "asha@example.org", Tags: []string{"vip", "wholesale"}, Orders: &three,
		},
		Shipping: &cart.Address{
			LastName: "Rao", Name: "Rao", Address1: "12 Lake Road", City: "Mysuru", Province: "Karnataka", ProvinceCode: "KA",
			Country: "India", CountryCode: "IN", Zip: "570001", Phone: "98123 00001",
		},
		Currency: "INR", Total: amount("1999.5"), Discounts: amount("100.00"), TaxesIncluded: true,
		TaxLines: []cart.TaxLine{{Title: "IGST", Rate: amount("0.05"), Price: amount("95.21")}},
		Items: []cart.Item{{
			Title: "Silk Scarf", VariantTitle: "Red", VariantID: "9007199254740993", ProductID: "11", SKU: "SC-R", Vendor: "Loom",
			Quantity: 2, Price: amount("999.7500"),
		}},
		Codes:            []cart.DiscountCode{{Code: "HELLO", Amount: amount("100.00"), Type: "fixed_amount"}, {Code: "BARE", Amount: amount("5")}},
		AcceptsMarketing: &yes, AcceptsSMS: &yes, SMSPhone: "+919812300001",
		Attributes: map[string]string{"call_me": "true", "gift": "no", "nested": ""},
		Locale:     "en-IN", SourceName: "580111",
		CreatedAt: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC),
		UpdatedAt: time.Date(2026, 10, 5, 9, 15, 30, 500_000_000, time.UTC),
	}, c)
}

func TestWrongTypesCostOnlyThemselves(t *testing.T) {
	t.Parallel()
	triggered := time.Date(2026, 10, 5, 12, 0, 0, 0, time.FixedZone("", 5400))
	c, err := DecodeCheckout(fixture(t, "checkouts_update.odd-types.json"), Delivery{TriggeredAt: triggered})
	require.NoError(t, err)
	assert.Equal(t, cart.Checkout{
		Token: "123123123", ID: "5", SourceName: "42", Codes: []cart.DiscountCode{{Code: "HELLO"}},
		Phones:     []cart.RawPhone{{From: "phone", Number: "919812300009"}},
		Attributes: map[string]string{"consent": "1"},
		CreatedAt:  triggered.UTC(), UpdatedAt: triggered.UTC(),
	}, c)
}

func TestDecodeCheckoutRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                              "empty",
		` `:                             "empty",
		`[]`:                            "not a JSON object",
		`null`:                          "not a JSON object",
		`"x"`:                           "not a JSON object",
		`{"token":"x"`:                  "not valid JSON",
		`{"token":"x"} {}`:              "not valid JSON",
		`{"token":}`:                    "not valid JSON",
		`{}`:                            "token: missing",
		`{"token":""}`:                  "token: missing",
		`{"token":null,"id":1}`:         "token: missing",
		`{"token":["a"],"email":"a@b"}`: "token: missing",
	} {
		_, err := DecodeCheckout([]byte(body), Delivery{})
		require.ErrorContains(t, err, want, body)
	}
	_, err := DecodeCheckout([]byte(`{"email":"person@example.org" x`), Delivery{})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "person", "an error goes to a log and must not quote the payload")
}

func TestCompletionThatCannotBeReadIsACompletion(t *testing.T) {
	t.Parallel()
	updated := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]*time.Time{
		`null`:                   nil,
		`""`:                     nil,
		`false`:                  nil,
		`"2026-01-02T00:00:00Z"`: ptr(updated.AddDate(0, 0, 1)),
		`"just now"`:             &updated,
		`true`:                   &updated,
		`[]`:                     &updated,
		`1767312000`:             ptr(updated.AddDate(0, 0, 1)),
	} {
		c, err := DecodeCheckout([]byte(`{"token":"x","updated_at":"2026-01-01T00:00:00Z","completed_at":`+value+`}`), Delivery{})
		require.NoError(t, err)
		assert.Equal(t, want, c.CompletedAt, value)
	}
}

func ptr[T any](v T) *T { return &v }

func TestConsentOfTheCheckoutGoesBeforeTheCustomers(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for body, want := range map[string]struct {
		marketing, sms *bool
		smsPhone       string
	}{
		`{"token":"x"}`: {},
		`{"token":"x","buyer_accepts_marketing":false,"customer":{"accepts_marketing":true}}`:                                                                   {marketing: &no},
		`{"token":"x","buyer_accepts_marketing":null,"customer":{"accepts_marketing":true}}`:                                                                    {marketing: &yes},
		`{"token":"x","customer":{"accepts_marketing":true,"email_marketing_consent":{"state":"unsubscribed"}}}`:                                                {marketing: &no},
		`{"token":"x","customer":{"phone":"+15005550006","sms_marketing_consent":{"state":"subscribed"}}}`:                                                      {sms: &yes, smsPhone: "+15005550006"},
		`{"token":"x","customer":{"phone":"+15005550006","sms_marketing_consent":{"state":"pending"}}}`:                                                         {sms: &no},
		`{"token":"x","buyer_accepts_sms_marketing":true,"customer":{"phone":"+15005550006"}}`:                                                                  {sms: &yes},
		`{"token":"x","buyer_accepts_sms_marketing":false,"sms_marketing_phone":"+1","customer":{"sms_marketing_consent":{"state":"subscribed"},"phone":"+2"}}`: {sms: &no, smsPhone: "+1"},
	} {
		c, err := DecodeCheckout([]byte(body), Delivery{})
		require.NoError(t, err)
		assert.Equal(t, want.marketing, c.AcceptsMarketing, body)
		assert.Equal(t, want.sms, c.AcceptsSMS, body)
		assert.Equal(t, want.smsPhone, c.SMSPhone, body)
	}
}

func TestInstants(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 1, 10, 0, 9, 0, time.UTC)
	for _, s := range []string{
		`"2026-03-01T10:00:09Z"`, `"2026-03-01T10:00:09+00:00"`, `"2026-03-01T05:00:09-05:00"`, `"2026-03-01T15:30:09+0530"`,
		`"2026-03-01T10:00:09"`, `"2026-03-01 10:00:09"`, `"2026-03-01 05:00:09 -0500"`, `"2026-03-01 10:00:09 UTC"`,
		`"2026-03-01t10:00:09z"`, `" 2026-03-01T10:00:09.000Z "`, `"2026-03-01T12:00:09+02"`, `1772359209`, `1772359209000`,
	} {
		var i instant
		require.NoError(t, i.UnmarshalJSON([]byte(s)))
		assert.Equal(t, want, i.at, s)
	}
	for _, s := range []string{`null`, `""`, `"-"`, `"2026-13-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59-12:00"`, `"2026-03-01 10:00:09 IST"`, `{}`, `-5`, `1e99`} {
		var i instant
		require.NoError(t, i.UnmarshalJSON([]byte(s)))
		assert.True(t, i.at.IsZero(), s)
	}
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"10.00"`: "10.00", `10`: "10", `0.1`: "0.1", `"-5.25"`: "-5.25", `1e2`: "1e2", `"1000000000000.999"`: "1000000000000.999",
	} {
		var m money
		require.NoError(t, m.UnmarshalJSON([]byte(in)))
		assert.True(t, m.set, in)
		assert.True(t, amount(want).Equal(m.value), in)
	}
	for _, in := range []string{`""`, `null`, `"ten"`, `"1e999999999"`, `1e-999999`, `"NaN"`, `"10,00"`, `{}`, `[]`, `true`} {
		var m money
		require.NoError(t, m.UnmarshalJSON([]byte(in)))
		assert.False(t, m.set, in)
		assert.True(t, m.value.IsZero(), in)
	}
}

func TestNumericID(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"981820079255243537": "981820079255243537", "9007199254740993": "9007199254740993", "#981820079255243537": "981820079255243537",
		"gid://shopify/Customer/5": "5", "gid://shopify/AbandonedCheckout/5?key=x/y": "5",
		"": "", "0": "", "#": "", "abc": "", "1.5e10": "", "-5": "", "gid://shopify/Customer/": "", "123456789012345678901": "",
	} {
		assert.Equal(t, want, numericID(in), in)
	}
}

func TestTextIsWhatPostgresTakes(t *testing.T) {
	t.Parallel()
	c, err := DecodeCheckout([]byte("{\"token\":\"a\\u0000b\",\"email\":\" a@b.example\\n\",\"customer_locale\":\"\\ud800\",\"note_attributes\":{\"k\\u0000\":\"\\u0000\"}}"), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, "ab", c.Token)
	assert.Equal(t, "a@b.example", c.Email)
	assert.Equal(t, "\uFFFD", c.Locale)
	assert.Equal(t, map[string]string{"k": ""}, c.Attributes)
}

func TestPhonesInOrderOfTrust(t *testing.T) {
	t.Parallel()
	c, err := DecodeCheckout([]byte(`{"token":"x","phone":"1","sms_marketing_phone":"6",
		"customer":{"phone":"2","default_address":{"phone":"5","country":"ca"}},
		"shipping_address":{"phone":"3","country_code":"US"},"billing_address":{"phone":"3","country_code":"US"}}`), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, []cart.RawPhone{
		{From: "phone", Number: "1"}, {From: "customer", Number: "2"}, {From: "shipping", Number: "3", Country: "US"},
		{From: "default_address", Number: "5", Country: "CA"}, {From: "sms_marketing", Number: "6"},
	}, c.Phones)
}

func TestDecodeOrder(t *testing.T) {
	t.Parallel()
	o, err := DecodeOrder(fixture(t, "orders_create.json"), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, cart.Order{
		ID: "5159806760001", Name: "#1042", CheckoutToken: "tok-new-1", CartToken: "cart-new-1", CustomerID: "603851970716743426",
		Email:   "asha@example.org",
		Phones:  []cart.RawPhone{{From: "phone", Number: "+919812300001"}, {From: "shipping", Number: "98123 00001", Country: "IN"}},
		Country: "IN", Total: amount("1899.50"), Currency: "INR", Codes: []string{"HELLO"},
		CurrentTotal: ptr(amount("1899.50")),
		CreatedAt:    time.Date(2026, 10, 5, 9, 30, 0, 0, time.UTC),
		UpdatedAt:    time.Date(2026, 10, 5, 9, 30, 2, 0, time.UTC), Test: true,
	}, o)

	o, err = DecodeOrder(fixture(t, "orders_paid.json"), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, cart.Order{
		ID: "77", Total: amount("12"), Currency: "USD", Test: true, CurrentTotal: ptr(amount("12")),
		CreatedAt:   time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		UpdatedAt:   time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		CancelledAt: ptr(time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)),
	}, o)

	_, err = DecodeOrder([]byte(`{"name":"#1"}`), Delivery{})
	require.ErrorContains(t, err, "id: missing")
	_, err = DecodeOrder([]byte(`[1]`), Delivery{})
	require.ErrorContains(t, err, "not a JSON object")
}

func TestDecodeDeletedCheckout(t *testing.T) {
	t.Parallel()
	ref, err := DecodeDeletedCheckout(fixture(t, "checkouts_delete.json"))
	require.NoError(t, err)
	assert.Equal(t, cart.Ref{ID: "981820079255240001", CartToken: "cart-new-1"}, ref)

	ref, err = DecodeDeletedCheckout([]byte(`{"token":"t","cart_token":null}`))
	require.NoError(t, err)
	assert.Equal(t, cart.Ref{Token: "t"}, ref)

	_, err = DecodeDeletedCheckout([]byte(`{"cart_token":null}`))
	require.ErrorContains(t, err, "all missing")
}

func TestDecodeCompliance(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]Compliance{
		"compliance_customers_data_request.json": {
			ShopID: "954", ShopDomain: "loom.myshopify.com", CustomerID: "191", Email: "asha@example.org", Phone: "98123 00001",
			Orders: []string{"1", "2"}, DataRequestID: "9000",
		},
		"compliance_customers_redact.json": {ShopID: "954", ShopDomain: "loom.myshopify.com", Email: "asha@example.org", Orders: []string{"7"}},
		"compliance_shop_redact.json":      {ShopID: "954", ShopDomain: "loom.myshopify.com"},
	} {
		got, err := DecodeCompliance(fixture(t, file))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	got, err := DecodeCompliance([]byte(`{"shop_domain":"evil.example","customer":[],"orders_requested":{},"data_request":1}`))
	require.NoError(t, err)
	assert.Equal(t, Compliance{}, got)
	_, err = DecodeCompliance([]byte(`nope`))
	require.Error(t, err)
}

func TestDecodeCustomerConsent(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	triggered := time.Date(2026, 10, 7, 0, 0, 0, 0, time.UTC)
	for file, want := range map[string]Consent{
		"customers_marketing_consent_update.json": {
			CustomerID: "603851970716743426", Phone: "+919812300001", SMS: &no, SMSAt: time.Date(2026, 10, 5, 18, 30, 0, 0, time.UTC),
			SMSOptIn: "single_opt_in",
		},
		"customers_email_marketing_consent_update.json": {
			CustomerID: "603851970716743426", Email: "asha@example.org", Marketing: &yes, MarketingAt: triggered,
		},
		"customers_update.json": {
			CustomerID: "5", Email: "asha@example.org", Tags: []string{"vip"}, HasTags: true,
			Marketing: &yes, MarketingAt: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC),
			SMS: &no, SMSAt: time.Date(2026, 10, 6, 1, 0, 0, 0, time.UTC),
		},
	} {
		got, err := DecodeCustomerConsent(fixture(t, file), Delivery{TriggeredAt: triggered})
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := DecodeCustomerConsent([]byte(`{"sms_marketing_consent":{"state":"subscribed"}}`), Delivery{})
	require.ErrorContains(t, err, "all missing")
}

func TestSplitCheckouts(t *testing.T) {
	t.Parallel()
	parts, err := SplitCheckouts(fixture(t, "rest_checkouts_list.json"))
	require.NoError(t, err)
	require.Len(t, parts, 2)
	var tokens []string
	for _, p := range parts {
		c, err := DecodeCheckout(p, Delivery{})
		require.NoError(t, err)
		tokens = append(tokens, c.Token)
	}
	assert.Equal(t, []string{"a", "b"}, tokens)
	_, err = SplitCheckouts([]byte(`{"checkouts":{}}`))
	require.ErrorContains(t, err, "checkouts")
}

// TestEveryRecordingDecodes decodes all fixtures, and all recorded payloads of the directories that RINGBACK_SAMPLES
// names.
func TestEveryRecordingDecodes(t *testing.T) {
	t.Parallel()
	dirs := append([]string{"testdata"}, filepath.SplitList(os.Getenv("RINGBACK_SAMPLES"))...)
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				body, err := os.ReadFile(file)
				require.NoError(t, err)
				topic, ok := TopicOfFile(file)
				require.True(t, ok)
				bodies := [][]byte{body}
				if parts, err := SplitCheckouts(body); err == nil {
					bodies = parts
				}
				require.NotEmpty(t, bodies)
				for _, b := range bodies {
					decodes(t, topic, b)
				}
			})
		}
	}
}

// decodes checks that what a payload of the topic holds is found.
func decodes(t *testing.T, topic string, body []byte) {
	t.Helper()
	triggered := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := Delivery{Topic: topic, TriggeredAt: triggered}
	switch topic {
	case CheckoutsCreate, CheckoutsUpdate:
		c, err := DecodeCheckout(body, d)
		require.NoError(t, err)
		assert.NotEmpty(t, c.Token)
		assert.NotEmpty(t, c.ID)
		assert.False(t, c.UpdatedAt.IsZero())
		for _, p := range c.Phones {
			assert.NotEmpty(t, p.Number)
		}
		if ref := refOfURL(c.URL); ref.Known() {
			assert.Contains(t, []string{"", c.Token, c.CartToken}, ref.Token, "the link tells the truth")
			// The link may hold only the beginning of the cart token.
			assert.True(t, strings.HasPrefix(c.CartToken, ref.CartToken), "%s of %s", ref.CartToken, c.CartToken)
		}
		_, err = json.Marshal(c)
		assert.NoError(t, err)
	case CheckoutsDelete:
		ref, err := DecodeDeletedCheckout(body)
		require.NoError(t, err)
		assert.NotEmpty(t, ref.ID)
		assert.NotEmpty(t, ref.CartToken)
	case OrdersCreate, OrdersPaid, OrdersUpdated, OrdersCancelled:
		o, err := DecodeOrder(body, d)
		require.NoError(t, err)
		assert.NotEmpty(t, o.ID)
		assert.True(t, o.Total.IsPositive())
		assert.Len(t, o.Currency, 3)
	case RefundsCreate:
		r, err := DecodeRefund(body)
		require.NoError(t, err)
		assert.NotEmpty(t, r.ID)
		assert.NotEmpty(t, r.OrderID)
	case CustomersDataRequest, CustomersRedact, ShopRedact:
		c, err := DecodeCompliance(body)
		require.NoError(t, err)
		assert.NotEmpty(t, c.ShopID)
		if topic != ShopRedact {
			assert.NotEmpty(t, c.Email)
			assert.NotEmpty(t, c.Orders)
		}
	case CustomersUpdate, CustomersConsentUpdate, CustomersEmailConsentUpdate:
		c, err := DecodeCustomerConsent(body, d)
		require.NoError(t, err)
		assert.NotEmpty(t, c.CustomerID)
	default:
		t.Fatalf("no decoder for %s", topic)
	}
}

func BenchmarkDecodeCheckout(b *testing.B) {
	body := fixture(b, "checkouts_update.2026-10.json")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeCheckout(body, Delivery{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRefOfURL(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]cart.Ref{
		"https://a.myshopify.com/1/checkouts/ac/hWN123/recover?key=k&discount=x": {CartToken: "hWN123"},
		"https://a.myshopify.com/1/checkouts/ac/c1-83%3D%3D/recover":             {CartToken: "c1-83=="},
		"https://a.myshopify.com/checkouts/cn/0c6778120e46/recover":              {Token: "0c6778120e46"},
		"https://a.myshopify.com/1/checkouts/2a1ace52255252df/recover?key=k":     {Token: "2a1ace52255252df"},
		"https://a.myshopify.com/1/checkouts/2a1ace52255252df":                   {Token: "2a1ace52255252df"},
		"https://a.myshopify.com/1/orders/2a1ace52255252df?recovered=1":          {},
		"https://a.myshopify.com/1/checkouts/ac/":                                {},
		"://": {}, "": {},
	} {
		assert.Equal(t, want, refOfURL(link), link)
	}
}

// Shopify's reference writes objects where webhooks have texts and lists.
func TestDecodeCheckout_ReadsObjectsInPlaceOfTexts(t *testing.T) {
	t.Parallel()
	c, err := DecodeCheckout([]byte(`{"token":"t","currency":{"currency":"EUR"},"phone":{"phone":"+4930901820"},"total_price":"20.00",
		"line_items":{"title":"Mug","quantity":2,"price":10},"tax_lines":{"title":"VAT","rate":0.19,"price":"3.19"},
		"discount_codes":[{"discount_code":{"code":"SPRING"}}],"email":{"address":"x@example.com"}}`), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, "EUR", c.Currency)
	require.Len(t, c.Phones, 1)
	assert.Equal(t, "+4930901820", c.Phones[0].Number)
	require.Len(t, c.Items, 1)
	assert.Equal(t, 2, c.Items[0].Quantity)
	assert.Len(t, c.TaxLines, 1)
	require.Len(t, c.Codes, 1)
	assert.Equal(t, "SPRING", c.Codes[0].Code)
	assert.Empty(t, c.Email)
}

func TestDecodeCheckout_TestIsKnown(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]bool{
		`{"token":"t","gateway":"bogus"}`:                                                            true,
		`{"token":"t","gateway":"Bogus Gateway"}`:                                                    true,
		`{"token":"t","gateway":"(for testing) Bogus Gateway"}`:                                      true,
		`{"token":"t","gateway":"BOGUS"}`:                                                            true,
		`{"token":"t","payment_gateway_names":["manual","bogus"]}`:                                   true,
		`{"token":"t","test":true}`:                                                                  true,
		`{"token":"t","test":"true"}`:                                                                true,
		`{"token":"t","gateway":null,"test":null}`:                                                   false,
		`{"token":"t","gateway":"Bogusław Payments","test":false}`:                                   false,
		`{"token":"t","gateway":"Cash on Delivery (COD)","payment_gateway_names":"manual,razorpay"}`: false,
	} {
		c, err := DecodeCheckout([]byte(payload), Delivery{})
		require.NoError(t, err)
		assert.Equal(t, want, c.Test, payload)
		o, err := DecodeOrder([]byte(`{"id":1,`+payload[1:]), Delivery{})
		require.NoError(t, err)
		assert.Equal(t, want, o.Test, payload)
		c, err = DecodeCheckout([]byte(payload), Delivery{Test: true})
		require.NoError(t, err)
		assert.True(t, c.Test, "a test notification is one")
	}
}

func TestMerge_EmptiedCartStaysEmpty(t *testing.T) {
	t.Parallel()
	known := cart.Checkout{Token: "t", Items: []cart.Item{{Title: "Kurta", Quantity: 1}}}
	for nodes, want := range map[string]int{
		`{"nodes":[]}`: 0, `null`: 1, `{}`: 1, `{"nodes":null}`: 1, `{"nodes":[{"title":"Kurta","quantity":0}]}`: 0,
		`{"nodes":[{"title":"Scarf","quantity":2}]}`: 2,
	} {
		var g gqlCheckout
		require.NoError(t, json.Unmarshal([]byte(`{"id":"gid://shopify/AbandonedCheckout/1","lineItems":`+nodes+`}`), &g))
		asked, ok := g.checkout()
		require.True(t, ok)
		assert.Equal(t, want, Merge(known, asked).ItemCount(), nodes)
	}
}

func TestDecode_DiscountCodesOfEveryShape(t *testing.T) {
	t.Parallel()
	for shape, want := range map[string][]string{
		`["BACK10"]`:                            {"BACK10"},
		`["BACK10","SHIP"]`:                     {"BACK10", "SHIP"},
		`"BACK10"`:                              {"BACK10"},
		`"BACK10, SHIP"`:                        {"BACK10", "SHIP"},
		`{"code":"BACK10","amount":"5"}`:        {"BACK10"},
		`[{"code":"BACK10"}]`:                   {"BACK10"},
		`[{"discount_code":{"code":"BACK10"}}]`: {"BACK10"},
		`[{"discount_code":"BACK10"}]`:          {"BACK10"},
		`{"discount_code":{"code":"BACK10"}}`:   {"BACK10"},
		`[{"code":{"code":"BACK10"}}]`:          {"BACK10"},
		`[null,"BACK10",7,""]`:                  {"BACK10", "7"},
		`null`:                                  nil,
		`[]`:                                    nil,
		`{}`:                                    nil,
		`""`:                                    nil,
		`[null,{},[],"NULL",true]`:              nil,
	} {
		c, err := DecodeCheckout([]byte(`{"token":"t","discount_codes":`+shape+`}`), Delivery{})
		require.NoError(t, err)
		var got []string
		for _, code := range c.Codes {
			got = append(got, code.Code)
		}
		assert.Equal(t, want, got, shape)
		for _, field := range []string{"discount_codes", "discount_applications"} {
			o, err := DecodeOrder([]byte(`{"id":1,"`+field+`":`+shape+`}`), Delivery{})
			require.NoError(t, err)
			assert.Equal(t, want, o.Codes, shape)
		}
	}
	c, err := DecodeCheckout([]byte(`{"token":"t","discount_codes":[{"discount_code":{"code":"A","amount":"5.00","type":"fixed_amount"}}]}`), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, "5", c.Codes[0].Amount.String())
	assert.Equal(t, "fixed_amount", c.Codes[0].Type)
}

func TestDecode_VersionIsNoNewerThanItsMessage(t *testing.T) {
	t.Parallel()
	told := time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)
	d := Delivery{TriggeredAt: told}
	for at, want := range map[string]time.Time{
		"2026-10-05T12:00:00Z":      told,
		"2036-10-05T09:00:00Z":      told,
		"2026-10-05T14:30:01+05:30": told,
		"2026-10-05T14:29:00+05:30": told.Add(-time.Minute),
		"":                          told,
	} {
		c, err := DecodeCheckout([]byte(`{"token":"t","updated_at":"`+at+`","completed_at":"2036-01-01T00:00:00Z"}`), d)
		require.NoError(t, err)
		assert.Equal(t, want, c.UpdatedAt, at)
		assert.NotNil(t, c.CompletedAt, "a completion always counts")
		o, err := DecodeOrder([]byte(`{"id":1,"updated_at":"`+at+`"}`), d)
		require.NoError(t, err)
		assert.Equal(t, want, o.UpdatedAt, at)
		consent, err := DecodeCustomerConsent([]byte(`{"id":1,"sms_marketing_consent":{"state":"subscribed","consent_updated_at":"`+at+`"},
			"email_marketing_consent":{"state":"subscribed","consent_updated_at":"`+at+`"}}`), d)
		require.NoError(t, err)
		assert.Equal(t, want, consent.SMSAt, at)
		assert.Equal(t, want, consent.MarketingAt, at)
	}
}

func TestDecode_WordForNothingIsNothing(t *testing.T) {
	t.Parallel()
	c, err := DecodeCheckout([]byte(`{"token":"t","cart_token":"NULL","email":"NULL","phone":"NULL","completed_at":"NULL","closed_at":"NULL","customer":"NULL"}`), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, cart.Checkout{Token: "t"}, c)
	o, err := DecodeOrder([]byte(`{"id":1,"checkout_token":"NULL","cart_token":"NULL","phone":"NULL","cancelled_at":"NULL","source_name":"NULL"}`), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, cart.Order{ID: "1"}, o)
	_, err = DecodeCheckout([]byte(`{"token":"NULL"}`), Delivery{})
	require.ErrorContains(t, err, "token")
}

func TestDecodeCheckout_AmountsAreInTheCustomersCurrency(t *testing.T) {
	t.Parallel()
	set := `"total_price_set":{"shop_money":{"amount":"7400.00","currency_code":"INR"},"presentment_money":{"amount":"89.00","currency_code":"USD"}}`
	for payload, want := range map[string]cart.Checkout{
		`"currency":"INR","presentment_currency":"USD","total_price":"89.00"`:        {Currency: "USD", Total: amount("89.00")},
		`"currency":"INR","presentment_currency":"JPY","total_price":12000`:          {Currency: "JPY", Total: amount("12000")},
		`"currency":"INR","presentment_currency":"inr","total_price":"1499.00"`:      {Currency: "INR", Total: amount("1499.00")},
		`"currency":"INR","total_price":"1499.00"`:                                   {Currency: "INR", Total: amount("1499.00")},
		`"currency":"INR","presentment_currency":"NULL","total_price":"1499.00"`:     {Currency: "INR", Total: amount("1499.00")},
		`"currency":"INR","presentment_currency":"USD","total_price":"89.00",` + set: {Currency: "USD", Total: amount("89.00"), ShopMoney: &cart.ShopMoney{Currency: "INR", Total: amount("7400.00")}},
		`"currency":"INR",` + set: {Currency: "USD", Total: amount("89.00"), ShopMoney: &cart.ShopMoney{Currency: "INR", Total: amount("7400.00")}},
		`"currency":"INR","presentment_currency":"USD","total_price":"89.00","total_price_set":[]`: {Currency: "USD", Total: amount("89.00")},
	} {
		c, err := DecodeCheckout([]byte(`{"token":"t",`+payload+`}`), Delivery{})
		require.NoError(t, err)
		want.Token = "t"
		assert.Equal(t, want, c, payload)
	}
}

func TestScan_CheckoutIsToldInTheCustomersCurrency(t *testing.T) {
	t.Parallel()
	bag := func(shop, seen string) string {
		return `{"shopMoney":{"amount":"` + shop + `","currencyCode":"INR"},"presentmentMoney":{"amount":"` + seen + `","currencyCode":"USD"}}`
	}
	var g gqlCheckout
	require.NoError(t, json.Unmarshal([]byte(`{"id":"gid://shopify/AbandonedCheckout/1","totalPriceSet":`+bag("7400.00", "89.00")+`,
		"subtotalPriceSet":`+bag("8232.00", "99.00")+`,"totalDiscountSet":`+bag("832.00", "10.00")+`,
		"taxLines":[{"title":"VAT","priceSet":`+bag("83.20", "1.00")+`}],
		"lineItems":{"nodes":[{"title":"Kurta","quantity":1,"originalUnitPriceSet":`+bag("8232.00", "99.00")+`}]}}`), &g))
	asked, ok := g.checkout()
	require.True(t, ok)
	known, err := DecodeCheckout([]byte(`{"token":"t","currency":"INR","presentment_currency":"USD","total_price":"80.00"}`), Delivery{})
	require.NoError(t, err)
	m := Merge(known, asked)
	assert.Equal(t, "USD", m.Currency)
	assert.Equal(t, []string{"89", "99", "10", "1", "99"}, []string{m.Total.String(), m.Subtotal.String(), m.Discounts.String(), m.TaxLines[0].Price.String(), m.Items[0].Price.String()})
	assert.Equal(t, &cart.ShopMoney{Currency: "INR", Total: amount("7400.00"), Subtotal: amount("8232.00"), Discounts: amount("832.00")}, m.ShopMoney)
}

func TestDecodeCheckout_TotalThatIsNotToldIsTheSumOfThePieces(t *testing.T) {
	t.Parallel()
	const items = `"line_items":[{"title":"Cup","quantity":2,"price":"40.50"},{"title":"Jug","quantity":1,"price":"19"}]`
	for body, want := range map[string]string{
		`{"token":"t",` + items + `}`: "100",
		`{"token":"t","total_price":null,"total_discounts":"10.00",` + items + `}`:                                    "90",
		`{"token":"t","total_price":"NULL","total_discounts":"500",` + items + `}`:                                    "0",
		`{"token":"t","total_price":"0.00",` + items + `}`:                                                            "0",
		`{"token":"t","total_price":"7.00",` + items + `}`:                                                            "7",
		`{"token":"t","total_price_set":{"presentment_money":{"amount":"8.00","currency_code":"INR"}},` + items + `}`: "8",
		`{"token":"t"}`: "0",
	} {
		c, err := DecodeCheckout([]byte(body), Delivery{})
		require.NoError(t, err)
		assert.Equal(t, want, c.Total.String(), body)
	}
}

func TestDecodeOrder_TellsWhatBecameOfItsMoney(t *testing.T) {
	t.Parallel()
	o, err := DecodeOrder(fixture(t, "orders_updated.refunded.json"), Delivery{})
	require.NoError(t, err)
	assert.Equal(t, &cart.Amount{Value: amount("100.00"), Currency: "EUR"}, o.Presented)
	assert.Equal(t, []cart.Refund{
		{ID: "8801", Amount: cart.Amount{Value: amount("20.00"), Currency: "EUR"}},
		{ID: "8802", Amount: cart.Amount{Value: amount("10.00"), Currency: "EUR"}},
	}, o.Refunds, "a payment that failed gave nothing back")
	o.Settle()
	assert.Equal(t, "2700", o.Refunded.String(), "in the shop's currency")
	assert.Equal(t, "6300", o.Money().Net.String())
	assert.False(t, o.CashOnDelivery)

	o, err = DecodeOrder(fixture(t, "orders_cancelled.json"), Delivery{})
	require.NoError(t, err)
	o.Settle()
	assert.True(t, o.CashOnDelivery)
	assert.Equal(t, "1250", o.Cancelled.String())
	assert.True(t, o.Money().Net.IsZero())
}

func TestDecodeRefund(t *testing.T) {
	t.Parallel()
	r, err := DecodeRefund(fixture(t, "refunds_create.json"))
	require.NoError(t, err)
	assert.Equal(t, Refund{OrderID: "5159806760001", Refund: cart.Refund{
		ID: "929361462", Amount: cart.Amount{Value: amount("400.00"), Currency: "INR"},
	}}, r)
	r, err = DecodeRefund(fixture(t, "refunds_create.restock-only.json"))
	require.NoError(t, err)
	assert.Equal(t, Refund{OrderID: "5159806760001", Refund: cart.Refund{ID: "929361463"}}, r)

	for body, want := range map[string]string{
		`{"order_id":1,"transactions":[{"kind":"refund","amount":"1"}]}`: "id: missing",
		`{"id":1,"transactions":[]}`:                                     "order_id: missing",
		`[]`:                                                             "not a JSON object",
	} {
		_, err := DecodeRefund([]byte(body))
		require.ErrorContains(t, err, want, body)
	}
	for body, want := range map[string]string{
		`{"id":1,"order_id":2,"transactions":[{"kind":"refund","status":"pending","amount":"5"}]}`:             "0",
		`{"id":1,"order_id":2,"transactions":[{"kind":"void","status":"success","amount":"5"}]}`:               "0",
		`{"id":1,"order_id":2,"transactions":[{"kind":"refund","status":"success","amount":"-5"}]}`:            "0",
		`{"id":1,"order_id":2,"transactions":{"kind":"REFUND","status":"SUCCESS","amount":5.5}}`:               "5.5",
		`{"id":1,"order_id":2,"transactions":[7,{"kind":"refund","amount":"1"},{"kind":"refund","amount":2}]}`: "3",
	} {
		r, err := DecodeRefund([]byte(body))
		require.NoError(t, err, body)
		assert.Equal(t, want, r.Value.String(), body)
	}
}

func TestCashOnDeliveryIsToldByTheGateway(t *testing.T) {
	t.Parallel()
	for gateway, want := range map[string]bool{
		"Cash on Delivery (COD)": true, "cash_on_delivery": true, "GoKwik COD": true, "cod": true,
		"shopify_payments": false, "razorpay": false, "Codat": false, "manual": false, "": false,
	} {
		o, err := DecodeOrder(fmt.Appendf(nil, `{"id":1,"payment_gateway_names":[%q]}`, gateway), Delivery{})
		require.NoError(t, err)
		assert.Equal(t, want, o.CashOnDelivery, gateway)
	}
}
