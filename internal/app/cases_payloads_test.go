package app_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ringback/internal/shopify"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The amounts of a checkout are in its presentment currency.
func TestCases_AmountsInAnotherCurrency(t *testing.T) {
	t.Parallel()
	foreign := func(currency, total string) fields {
		return fields{"currency": "INR", "presentment_currency": currency, "total_price": total, "subtotal_price": total}
	}
	with := func(f fields, phone string) fields {
		f["phone"] = phone
		return f
	}
	// told is all that the voice API was told of a cart.
	told := func(s *stage, c seen) string {
		orders := s.orders()[c.ID]
		require.Len(s.t, orders, 1)
		return string(orders[0].Payload)
	}
	runPlays(t, []play{
		{name: "dollars at a shop of rupees", policy: far, act: func(s *stage) {
			s.leaves("abroad", with(foreign("USD", "72.50"), "+919810071001"))
			c := s.is("abroad", "waiting", "delay")
			assert.Equal(s.t, "USD", c.Currency)
			assert.Equal(s.t, "72.50", c.Total)
		}},
		{name: "yen at a shop of rupees", policy: far, act: func(s *stage) {
			s.leaves("abroad", with(foreign("JPY", "15800"), "+919810071002"))
			c := s.is("abroad", "waiting", "delay")
			assert.Equal(s.t, "JPY", c.Currency)
			assert.Equal(s.t, "15800", strings.TrimSuffix(c.Total, ".00"))
		}},
		{name: "dinars at a shop of rupees", policy: far, act: func(s *stage) {
			s.leaves("abroad", with(foreign("KWD", "21.750"), "+919810071003"))
			c := s.is("abroad", "waiting", "delay")
			assert.Equal(s.t, "KWD", c.Currency)
			assert.Equal(s.t, "21.75", strings.TrimSuffix(c.Total, "0"))
		}},
		{name: "a large number of small coins is no priority", policy: `priority_above: "5000"`, act: func(s *stage) {
			s.leaves("abroad", with(foreign("JPY", "15800"), "+919810071004"))
			c := s.called("abroad", "+919810071004")
			assert.False(s.t, s.orders()[c.ID][0].Priority)
			s.leaves("home", with(foreign("INR", "15800.00"), "+919810071005"))
			c = s.called("home", "+919810071005")
			assert.True(s.t, s.orders()[c.ID][0].Priority)
		}},
		{name: "a fixed amount off is not offered in another currency",
			policy: `offers: [{code: FLAT200, value: "200", type: fixed, apply_as: additional, description: two hundred off}]`, act: func(s *stage) {
				s.leaves("abroad", with(foreign("USD", "72.50"), "+919810071006"))
				c := s.called("abroad", "+919810071006")
				assert.Nil(s.t, c.Calls[0].Offer)
				assert.NotContains(s.t, told(s, c), "FLAT200")
				s.leaves("home", with(foreign("INR", "7250.00"), "+919810071007"))
				c = s.called("home", "+919810071007")
				require.NotNil(s.t, c.Calls[0].Offer)
				assert.Equal(s.t, "FLAT200", c.Calls[0].Offer.Code)
			}},
		{name: "a bound of an offer is not met in another currency",
			policy: `offers: [{when: {min_total: "5000"}, code: BIG10, value: "10", type: percentage, apply_as: additional, description: ten percent off}]`, act: func(s *stage) {
				s.leaves("abroad", with(foreign("JPY", "15800"), "+919810071008"))
				assert.Nil(s.t, s.called("abroad", "+919810071008").Calls[0].Offer)
			}},
		{name: "foreign amounts are not told as the shop's money", act: func(s *stage) {
			s.leaves("abroad", with(foreign("USD", "72.50"), "+919810071009"))
			c := s.called("abroad", "+919810071009")
			assert.NotContains(s.t, told(s, c), "72.5")
			s.leaves("home", with(foreign("INR", "1432.25"), "+919810071010"))
			c = s.called("home", "+919810071010")
			assert.Contains(s.t, told(s, c), "1432.25")
		}},
		{name: "a bound of the store is not met in another currency", policy: `eligibility: {min_total: "50"}`, act: func(s *stage) {
			s.leaves("abroad", with(foreign("USD", "72.50"), "+919810071012"))
			s.never("abroad", "watching", "ineligible")
		}},
		{name: "Shopify tells what it is in rupees", policy: `priority_above: "5000", eligibility: {min_total: "5000"}`, act: func(s *stage) {
			f := with(foreign("USD", "72.50"), "+919810071013")
			f["total_price_set"] = fields{
				"shop_money": fields{"amount": "6041.25", "currency_code": "INR"}, "presentment_money": fields{"amount": "72.50", "currency_code": "USD"},
			}
			s.leaves("abroad", f)
			c := s.called("abroad", "+919810071013")
			assert.True(s.t, s.orders()[c.ID][0].Priority)
			assert.Contains(s.t, told(s, c), "6041.25")
			assert.NotContains(s.t, told(s, c), "72.5")
		}},
		{name: "no presentment currency", policy: far, act: func(s *stage) {
			s.leaves("home", fields{"phone": "+919810071011", "presentment_currency": nil, "total_price": "999.00"})
			c := s.is("home", "waiting", "delay")
			assert.Equal(s.t, "INR", c.Currency)
		}},
	})
}

// A version that says it is of a later day does not shut out what comes after it.
func TestCases_VersionsDatedAhead(t *testing.T) {
	t.Parallel()
	dated := func(name string, by time.Duration) play {
		return play{name: name, policy: "delay: 3s", act: func(s *stage) {
			number, later := "+9198"+digits(name), "+9197"+digits(name)
			s.leaves("ahead", fields{"phone": number, "updated_at": ahead(by)})
			s.waits("ahead", "known", func(c seen) bool { return c.Phone == number })
			s.returns("ahead", fields{"phone": later, "updated_at": ahead(2 * time.Second)})
			s.waits("ahead", "told of the new number", func(c seen) bool { return c.Phone == later })
			s.called("ahead", later)
		}}
	}
	runPlays(t, []play{
		dated("dated an hour ahead", time.Hour), dated("dated a day ahead", 24*time.Hour), dated("dated ten years ahead", 10*365*24*time.Hour),
		{name: "consent withdrawn after a version dated ahead", policy: "delay: 3s, consent: sms_marketing", act: func(s *stage) {
			s.leaves("ahead", fields{"phone": "+919810074001", "sms_marketing_phone": "+919810074001", "buyer_accepts_sms_marketing": true, "updated_at": ahead(time.Hour)})
			s.is("ahead", "waiting", "delay")
			s.returns("ahead", fields{"phone": "+919810074001", "sms_marketing_phone": "+919810074001", "buyer_accepts_sms_marketing": false, "updated_at": ahead(time.Second)})
			s.is("ahead", "watching", "no_consent")
		}},
		{name: "completed after a version dated ahead", policy: "delay: 3s", act: func(s *stage) {
			s.leaves("ahead", fields{"phone": "+919810074002", "updated_at": ahead(time.Hour)})
			s.is("ahead", "waiting", "delay")
			s.returns("ahead", fields{"phone": "+919810074002", "updated_at": ahead(time.Second), "completed_at": ahead(0)})
			s.is("ahead", "purchased", "")
		}},
		{name: "emptied after a version dated ahead", policy: "delay: 3s", act: func(s *stage) {
			s.leaves("ahead", fields{"phone": "+919810074003", "updated_at": ahead(5 * time.Hour)})
			s.is("ahead", "waiting", "delay")
			s.returns("ahead", fields{"phone": "+919810074003", "updated_at": ahead(time.Second), "line_items": []fields{}, "total_price": "0.00"})
			s.never("ahead", "watching", "empty_cart")
		}},
	})
}

// A cart that carries a code already is not offered it again.
func TestCases_DiscountCodesInEveryShape(t *testing.T) {
	t.Parallel()
	const offer = `offers: [{code: AGAIN15, value: "15", type: percentage, apply_as: additional, description: fifteen percent off}]`
	carries := func(name string, codes any) play {
		number := "+9198" + digits("carries "+name)
		return play{name: name, policy: offer, act: func(s *stage) {
			s.leaves("coded", fields{"phone": number, "discount_codes": codes})
			c := s.called("coded", number)
			assert.Nil(s.t, c.Calls[0].Offer, "%s", c)
			assert.Contains(s.t, strings.ToUpper(string(s.orders()[c.ID][0].Payload)), "AGAIN15", "the agent knows that the cart has it")
		}}
	}
	lacks := func(name string, codes any) play {
		number := "+9198" + digits("lacks "+name)
		return play{name: name, policy: offer, act: func(s *stage) {
			s.leaves("plain", fields{"phone": number, "discount_codes": codes})
			c := s.called("plain", number)
			require.NotNil(s.t, c.Calls[0].Offer, "%s", c)
			assert.Equal(s.t, "AGAIN15", c.Calls[0].Offer.Code)
		}}
	}
	runPlays(t, []play{
		carries("a list of objects", []fields{{"code": "AGAIN15", "amount": "187.50", "type": "percentage"}}),
		carries("in small letters", []fields{{"code": "again15"}}),
		carries("a list of texts", []string{"AGAIN15"}),
		carries("the second of a list of texts", []string{"SHIPFREE", "again15"}),
		carries("one text", "AGAIN15"),
		carries("one object", fields{"code": "AGAIN15"}),
		carries("nested in a list", []fields{{"discount_code": fields{"code": "AGAIN15", "amount": "1.00"}}}),
		carries("nested as a text", []fields{{"discount_code": "AGAIN15"}}),
		carries("nested in one object", fields{"discount_code": fields{"code": "Again15"}}),
		lacks("no code", []string{}),
		lacks("another code", "SHIPFREE"),
		lacks("null", nil),
		lacks("numbers", []any{5, nil, json.Number("7.5"), fields{}}),
	})
}

func TestCases_ArchivedAndFreeCheckouts(t *testing.T) {
	t.Parallel()
	runPlays(t, []play{
		{name: "archived", act: func(s *stage) {
			s.sends(shopify.CheckoutsUpdate, s.goods("closed", fields{"phone": "+919810076001", "closed_at": ago(time.Minute)}))
			s.never("closed", "stopped", "deleted")
		}},
		{name: "archived while it waits", policy: "delay: 3s", act: func(s *stage) {
			s.leaves("closed", fields{"phone": "+919810076002", "updated_at": ahead(0)})
			s.is("closed", "waiting", "delay")
			s.returns("closed", fields{"phone": "+919810076002", "updated_at": ahead(time.Second), "closed_at": ahead(time.Second)})
			s.never("closed", "stopped", "deleted")
		}},
		{name: "archived at a time that cannot be read", act: func(s *stage) {
			s.leaves("closed", fields{"phone": "+919810076003", "closed_at": "yesterday"})
			s.never("closed", "stopped", "deleted")
		}},
		{name: "bought and then archived", act: func(s *stage) {
			s.buys(fields{"checkout_token": "closed"})
			s.leaves("closed", fields{"phone": "+919810076004"})
			s.is("closed", "purchased", "ordered")
			s.returns("closed", fields{"phone": "+919810076004", "closed_at": ago(0)})
			s.never("closed", "purchased", "ordered")
		}},
		{name: "not archived", act: func(s *stage) {
			s.leaves("open", fields{"phone": "+919810076005", "closed_at": nil})
			s.called("open", "+919810076005")
		}},
		{name: "free goods", act: func(s *stage) {
			s.leaves("free", fields{"phone": "+919810076006", "total_price": "0.00", "subtotal_price": "0.00"})
			s.never("free", "watching", "ineligible")
		}},
		{name: "free by a discount", act: func(s *stage) {
			s.leaves("free", fields{"phone": "+919810076007", "total_price": "0", "total_discounts": "1250.00"})
			s.never("free", "watching", "ineligible")
		}},
		{name: "free goods of a store that wants them called", policy: "eligibility: {zero_total: true}", act: func(s *stage) {
			s.leaves("free", fields{"phone": "+919810076009", "total_price": "0.00", "subtotal_price": "0.00"})
			s.called("free", "+919810076009")
		}},
		{name: "a total that is not told", act: func(s *stage) {
			s.leaves("untold", fields{"phone": "+919810076010", "total_price": nil, "subtotal_price": nil})
			c := s.called("untold", "+919810076010")
			assert.Equal(s.t, "1250.00", c.Total)
		}},
		{name: "free goods become dear", act: func(s *stage) {
			s.leaves("free", fields{"phone": "+919810076008", "total_price": 0})
			s.is("free", "watching", "ineligible")
			s.returns("free", fields{"phone": "+919810076008", "total_price": "10.00"})
			s.called("free", "+919810076008")
		}},
	})
}
