package shopify

import (
	"hash/maphash"
	"time"

	"github.com/tidwall/gjson"
)

// Peeked is what can be read of a checkout's webhook without decoding it.
type Peeked struct {
	Token string
	// UpdatedAt is when the version was made; zero when it does not say so readably.
	UpdatedAt time.Time
	// Names is equal for two versions that tell the same of who the customer is, of their consents, of the checkout's ids
	// and of its completion, within one process. Versions may then differ in what is in the cart, and the newest of them
	// is all there is to know.
	Names uint64

	origin [3]string
}

var peekSeed = maphash.MakeSeed()

// PeekCheckout reads the token and a little more from the body of a checkout's webhook. ok is false when it is not
// valid JSON, names no token or names the token twice: whoever decodes it says what is wrong.
func PeekCheckout(body []byte) (p Peeked, ok bool) {
	if !valid(body) {
		return p, false
	}
	var names maphash.Hash
	names.SetSeed(peekSeed)
	tokens := 0
	gjson.ParseBytes(body).ForEach(func(key, value gjson.Result) bool {
		switch name := key.String(); name {
		case "token":
			if value.Type == gjson.String {
				p.Token = clean(value.String())
			}
			tokens++
		case "updated_at":
			p.UpdatedAt = parseInstant(value.String())
		case "myshopify_domain":
			p.origin[0] = value.String()
		case "shop_domain":
			p.origin[1] = value.String()
		case "domain":
			p.origin[2] = value.String()
		case "id", "admin_graphql_api_id", "cart_token", "email", "phone", "customer", "shipping_address", "billing_address",
			"buyer_accepts_marketing", "buyer_accepts_sms_marketing", "sms_marketing_phone", "completed_at", "closed_at", "test",
			"note_attributes", "source_name", "gateway", "payment_gateway_names":
			_, _ = names.WriteString(name)
			_, _ = names.WriteString(value.Raw)
		}
		return true
	})
	p.Names = names.Sum64()
	return p, p.Token != "" && tokens == 1
}

// Origin is the shop that the body names; see the function Origin.
func (p *Peeked) Origin() string { return firstShop(p.origin[:]) }

// firstShop is the first of some texts that is a shop's domain; "" when none is.
func firstShop(texts []string) string {
	for _, text := range texts {
		if shop, err := ParseShop(text); err == nil {
			return shop
		}
	}
	return ""
}
