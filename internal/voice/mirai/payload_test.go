package mirai_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice"
	"ringback/internal/voice/contract"
	"ringback/internal/voice/mirai"
	"ringback/internal/voice/script"
	"ringback/internal/voice/voicetest"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// bench places calls at a lab that takes them all, and hands over what was sent.
type bench struct {
	provider *mirai.Provider
	lab      *voicetest.Lab
	doc      *contract.Document
}

func newBench(t *testing.T, change func(*config.Voice)) *bench {
	t.Helper()
	doc, err := contract.Load("mirai")
	require.NoError(t, err)
	lab := voicetest.NewLab(t, voicetest.Answer(200, `{"callId":"call-1","status":"initiate"}`))
	cfg := account(config.Voice{BaseURL: lab.URL, Timeout: 30 * time.Second})
	if change != nil {
		change(&cfg)
	}
	p, err := mirai.New(cfg, voice.Network{})
	require.NoError(t, err)
	return &bench{p, lab, doc}
}

// sent is the body of the request that placed r.
func (b *bench) sent(t require.TestingT, r voice.Request) map[string]any {
	before := len(b.lab.Requests())
	_, err := b.provider.Place(context(), r)
	require.NoError(t, err)
	seen := b.lab.Requests()
	require.Len(t, seen, before+1)
	require.NoError(t, b.doc.Request(seen[before].Request, seen[before].Body))
	var body map[string]any
	require.NoError(t, json.Unmarshal(seen[before].Body, &body))
	return body
}

func TestPlace_SendsTheCart(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	body := b.sent(t, voicetest.Request())
	seen := b.lab.Requests()[0]
	assert.Equal(t, "/v2/call/initiate", seen.Request.URL.Path)
	assert.Equal(t, publicKey, seen.Request.Header.Get("x-public-key"))
	assert.Equal(t, privateKey, seen.Request.Header.Get("x-private-key"))
	assert.Equal(t, workspace, seen.Request.Header.Get("workspace"))
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"phoneNumber": "+919000012345",
		"assistant": "assistant_123",
		"callbackUrl": "https://calls.example.com/webhooks/voice/x/secret-token",
		"priority": true,
		"metadata": {
			"call_id": "0195a1b2-0000-7000-8000-000000000001",
			"cart_id": "0195a1b2-0000-7000-8000-000000000002",
			"shop": "acme.myshopify.com",
			"attempt": 2,
			"discount": {"code": "COMEBACK10", "description": "ten per cent off", "value": 10, "codeType": "%tage", "applyAs": "additional"}
		},
		"payload": {
			"id": "gid://shopify/AbandonedCheckout/66509168181329",
			"abandonedCheckoutUrl": "https://acme.myshopify.com/1/checkouts/ac/abc/recover?key=secret-token&discount=COMEBACK10",
			"customer": {"firstName": "Asha", "lastName": "Rao", "email": "asha.rao@example.com", "phone": "+919000012345"},
			"discountCodes": ["WELCOME"],
			"totalDiscountSet": {"shopMoney": {"amount": "0.00"}},
			"subtotalPriceSet": {"shopMoney": {"amount": "1804.76"}},
			"totalPriceSet": {"shopMoney": {"amount": "1895.00"}},
			"taxesIncluded": true,
			"taxLines": [{"rate": 0.05, "ratePercentage": 5, "title": "IGST", "price": "90.24"}],
			"lineItems": [
				{"title": "Darjeeling", "quantity": 2, "variant": {"id": "gid://shopify/ProductVariant/58523289485393", "title": "100 g"}},
				{"title": "Cup", "quantity": 1}
			],
			"billingAddress": {"country": "India", "phone": "090000 12345"},
			"shippingAddress": {"country": "India", "address1": "12 Lake Road", "city": "Bengaluru", "province": "Karnataka", "provinceCode": "KA", "zip": "560001", "phone": "+919000012345"}
		}
	}`, string(raw))
}

func TestPayload_FallsBackWhereDataIsMissing(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	r := voice.Request{
		CallID: uuid.Max, CartID: uuid.Max, Shop: "acme.myshopify.com", Attempt: 1, Phone: "+14155550100", Link: "not a link",
		Checkout: cart.Checkout{
			ID: "#66509168181329", Email: "ann@", Currency: "JPY", Total: decimal.NewFromInt(900),
			Shipping: &cart.Address{}, Billing: &cart.Address{Name: "Ann Lee"},
			Items: []cart.Item{
				{Quantity: 1, VariantID: "gid://shopify/ProductVariant/12"},
				{Title: "Taken out", Quantity: 0},
				{Title: "Tea", Quantity: 3, VariantID: "not an id"},
			},
		},
	}
	payload := b.sent(t, r)["payload"].(map[string]any)
	raw, err := json.Marshal(payload)
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"customer": {"firstName": "Ann", "lastName": "Lee", "email": null, "phone": "+14155550100"},
		"discountCodes": [],
		"totalDiscountSet": {"shopMoney": {"amount": "0"}},
		"subtotalPriceSet": {"shopMoney": {"amount": "0"}},
		"totalPriceSet": {"shopMoney": {"amount": "900"}},
		"taxesIncluded": false,
		"lineItems": [
			{"title": "Item", "quantity": 1, "variant": {"id": "gid://shopify/ProductVariant/12", "title": "Default"}},
			{"title": "Tea", "quantity": 3}
		]
	}`, string(raw))

	r.Checkout.Billing = nil
	assert.Equal(t, "Customer", b.sent(t, r)["payload"].(map[string]any)["customer"].(map[string]any)["firstName"])
}

func TestPayload_LinkIsAURI(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for link, want := range map[string]any{
		"https://a.example/recover?key=1&discount=A%20B": "https://a.example/recover?key=1&discount=A%20B",
		"https://a.example/r?note=two words|x":           "https://a.example/r?note=two%20words%7Cx",
		"https://a.example/r?cut=100%":                   "https://a.example/r?cut=100%25",
		"https://a.example/thé":                          "https://a.example/th%C3%A9",
		"":                                               nil,
		"/recover":                                       nil,
		"javascript:alert(1)":                            nil,
		"https://a.example/\x00":                         nil,
		"https://a.example/" + strings.Repeat("x", 3000): nil,
	} {
		r := voicetest.Request()
		r.Link = link
		assert.Equal(t, want, b.sent(t, r)["payload"].(map[string]any)["abandonedCheckoutUrl"], link)
	}
}

func TestPlace_DiscountForms(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for _, test := range []struct {
		offer *cart.Offer
		want  any
	}{
		{nil, nil},
		{&cart.Offer{Value: decimal.NewFromInt(5), Type: "fixed"}, nil},
		{&cart.Offer{Code: "A", Value: decimal.RequireFromString("150.50"), Type: "fixed", ApplyAs: "override"},
			map[string]any{"code": "A", "value": 150.5, "codeType": "fixed", "applyAs": "override"}},
		{&cart.Offer{Code: "B", Value: decimal.RequireFromString("12.5"), Type: "percentage"},
			map[string]any{"code": "B", "value": 12.5, "codeType": "%tage", "applyAs": "additional"}},
	} {
		r := voicetest.Request()
		r.Offer = test.offer
		assert.Equal(t, test.want, b.sent(t, r)["metadata"].(map[string]any)["discount"])
	}
}

func TestPlace_CartThatCannotBeDescribedIsNotSent(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for field, spoil := range map[string]func(*voice.Request){
		"lineItems":               func(r *voice.Request) { r.Checkout.Items = nil },
		"payload.totalPriceSet":   func(r *voice.Request) { r.Checkout.Total = decimal.New(1, 500) },
		"metadata.discount.value": func(r *voice.Request) { r.Offer.Value = decimal.New(1, 500) },
		"callbackUrl":             func(r *voice.Request) { r.CallbackURL = "/webhooks" },
		"phone":                   func(r *voice.Request) { r.Phone = "919000012345" },
	} {
		r := voicetest.Request()
		spoil(&r)
		_, err := b.provider.Place(t.Context(), r)
		var refused *voice.RefusedError
		require.ErrorAs(t, err, &refused, field)
		assert.Equal(t, voice.RefusedContent, refused.Kind)
		assert.Zero(t, refused.Status)
		assert.Contains(t, refused.Message, field)
	}
	assert.Zero(t, b.lab.Conns())
}

func TestPayload_CustomVariant(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(cfg *config.Voice) {
		settings(cfg).Payload = map[string]script.Text{
			"customerName": "{{or .FirstName \"there\"}}",
			"items":        "{{.ItemList}}",
			"total":        "{{.Total}} {{.Currency}}",
			"offer":        "{{with .Offer}}{{.Code}}{{end}}",
			"gift":         `{{index .Attributes "gift"}}`,
		}
	})
	payload := b.sent(t, voicetest.Request())["payload"]
	assert.Equal(t, map[string]any{
		"customerName": "Asha", "items": "2 × Darjeeling (100 g), Cup", "total": "1895.00 INR", "offer": "COMEBACK10", "gift": "",
	}, payload)
}

func TestNew_NamesTheKeyAtFault(t *testing.T) {
	t.Parallel()
	for key, spoil := range map[string]func(*config.Voice){
		"voice.public_key":   func(c *config.Voice) { settings(c).PublicKey = "" },
		"voice.private_key":  func(c *config.Voice) { settings(c).PrivateKey = " " },
		"voice.base_url":     func(c *config.Voice) { c.BaseURL = "http://api.example.com" },
		"voice.payload.name": func(c *config.Voice) { settings(c).Payload = map[string]script.Text{"name": "{{.Firstname}}"} },
	} {
		cfg := account(config.Voice{BaseURL: "https://voice.example"})
		spoil(&cfg)
		_, err := mirai.New(cfg, voice.Network{})
		require.ErrorContains(t, err, key)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	require.NoError(t, b.provider.Update(t.Context(), "call 1/2", voicetest.Request()))
	seen := b.lab.Requests()[0]
	assert.Equal(t, "PUT", seen.Request.Method)
	assert.Equal(t, "/v2/call/call%201%2F2", seen.Request.RequestURI)
	require.NoError(t, b.doc.Request(seen.Request, seen.Body))
	var body struct{ Payload json.RawMessage }
	require.NoError(t, json.Unmarshal(seen.Body, &body))
	require.NoError(t, b.doc.Schema("AbandonedCartPayload", body.Payload))
	for _, id := range []string{"", ".", ".."} {
		var refused *voice.RefusedError
		require.ErrorAs(t, b.provider.Update(t.Context(), id, voicetest.Request()), &refused, id)
	}
	assert.Equal(t, 1, b.lab.Conns())
}

// Whatever a checkout holds, the request either fits the published schema or is not sent.
func TestPayload_AnyCheckoutFitsTheSchema(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		r := anyRequest(t)
		before := len(b.lab.Requests())
		_, err := b.provider.Place(context(), r)
		var refused *voice.RefusedError
		if errors.As(err, &refused) {
			if len(b.lab.Requests()) != before {
				t.Fatalf("sent and yet refused by ourselves: %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		seen := b.lab.Requests()[before]
		if err := b.doc.Request(seen.Request, seen.Body); err != nil {
			t.Fatalf("%v\n%s", err, seen.Body)
		}
		var body struct{ Payload json.RawMessage }
		if err := json.Unmarshal(seen.Body, &body); err != nil {
			t.Fatal(err)
		}
		if err := b.doc.Schema("AbandonedCartPayload", body.Payload); err != nil {
			t.Fatalf("%v\n%s", err, body.Payload)
		}
	})
}

func anyRequest(t *rapid.T) voice.Request {
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.SampledFrom([]string{
		"Asha", "asha@example.com", "a@b", "\x00", "https://x.example/?a=b c", "http://%zz", "gid://shopify/X/12", "#12", "12", "ann @example.com",
	}))
	likely := rapid.Int32Range(-6, 3)
	exponent := rapid.OneOf(likely, likely, likely, likely, likely, likely, likely, rapid.Int32Range(-40, 40))
	amount := rapid.Custom(func(t *rapid.T) decimal.Decimal {
		return decimal.New(rapid.Int64().Draw(t, "digits"), exponent.Draw(t, "exponent"))
	})
	address := rapid.Custom(func(t *rapid.T) *cart.Address {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		return &cart.Address{
			FirstName: text.Draw(t, "first"), LastName: text.Draw(t, "last"), Name: text.Draw(t, "name"), Address1: text.Draw(t, "a1"),
			Address2: text.Draw(t, "a2"), City: text.Draw(t, "city"), Province: text.Draw(t, "province"), ProvinceCode: text.Draw(t, "code"),
			Country: text.Draw(t, "country"), Zip: text.Draw(t, "zip"), Phone: text.Draw(t, "phone"),
		}
	})
	item := rapid.Custom(func(t *rapid.T) cart.Item {
		return cart.Item{
			Title: text.Draw(t, "title"), VariantTitle: text.Draw(t, "variant"), VariantID: text.Draw(t, "id"),
			Quantity: rapid.IntRange(-1, 5).Draw(t, "quantity"), Price: amount.Draw(t, "price"),
		}
	})
	tax := rapid.Custom(func(t *rapid.T) cart.TaxLine {
		return cart.TaxLine{Title: text.Draw(t, "title"), Rate: amount.Draw(t, "rate"), Price: amount.Draw(t, "price")}
	})
	r := voice.Request{
		CallID: uuid.Max, CartID: uuid.Max, Shop: text.Draw(t, "shop"), Attempt: rapid.Int().Draw(t, "attempt"), Phone: "+14155550100",
		Link: text.Draw(t, "link"), CallbackURL: "https://calls.example.com/x", Priority: rapid.Bool().Draw(t, "priority"),
		Checkout: cart.Checkout{
			ID: text.Draw(t, "id"), Email: text.Draw(t, "email"), Currency: rapid.SampledFrom([]string{"", "INR", "JPY", "KWD", "???"}).Draw(t, "currency"),
			Customer: cart.Customer{FirstName: text.Draw(t, "first"), LastName: text.Draw(t, "last"), Email: text.Draw(t, "mail")},
			Shipping: address.Draw(t, "shipping"), Billing: address.Draw(t, "billing"),
			Total: amount.Draw(t, "total"), Subtotal: amount.Draw(t, "subtotal"), Discounts: amount.Draw(t, "discounts"),
			Items:    rapid.SliceOfN(item, 0, 4).Draw(t, "items"),
			TaxLines: rapid.SliceOfN(tax, 0, 3).Draw(t, "taxes"),
		},
	}
	for _, code := range rapid.SliceOfN(text, 0, 3).Draw(t, "codes") {
		r.Checkout.Codes = append(r.Checkout.Codes, cart.DiscountCode{Code: code})
	}
	if rapid.Bool().Draw(t, "offered") {
		r.Offer = &cart.Offer{Code: text.Draw(t, "code"), Description: text.Draw(t, "description"), Value: amount.Draw(t, "value"), Type: "percentage", ApplyAs: text.Draw(t, "as")}
	}
	return r
}
