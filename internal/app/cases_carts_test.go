package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ringback/internal/shopify"

	"github.com/stretchr/testify/assert"
)

// ahead writes a moment that is still to come.
func ahead(d time.Duration) string { return ago(-d) }

// What Shopify sends to try things out, and what a test gateway took, rings nobody.
func TestCases_TestsRingNobody(t *testing.T) {
	t.Parallel()
	const testHeader = "X-Shopify-Test"
	runPlays(t, []play{
		{name: "a test notification", act: func(s *stage) {
			s.sends(shopify.CheckoutsUpdate, s.goods("trial", fields{"phone": "+919810070001", "email": "jon@example.com"}), testHeader, "true")
			s.never("trial", "watching", "test")
		}},
		{name: "a test notification in capitals", act: func(s *stage) {
			s.sends(shopify.CheckoutsCreate, s.goods("trial", fields{"shipping_address": at("IN", "9810070002")}), testHeader, "True")
			s.never("trial", "watching", "test")
		}},
		{name: "a checkout of the test gateway", act: func(s *stage) {
			s.leaves("trial", fields{"phone": "+919810070003", "gateway": "bogus"})
			s.never("trial", "watching", "test")
		}},
		{name: "a checkout of the test gateway as the shop writes it", act: func(s *stage) {
			s.leaves("trial", fields{"phone": "+919810070004", "gateway": "Bogus"})
			s.never("trial", "watching", "test")
		}},
		{name: "a checkout that says that it is a test", act: func(s *stage) {
			s.leaves("trial", fields{"phone": "+919810070005", "test": true})
			s.never("trial", "watching", "test")
		}},
		{name: "a header that says no", act: func(s *stage) {
			s.sends(shopify.CheckoutsCreate, s.goods("real", fields{"phone": "+919810070006", "test": false, "gateway": nil}), testHeader, "false")
			s.called("real", "+919810070006")
		}},
		{name: "a store that wants tests called", policy: "eligibility: {test: true}", act: func(s *stage) {
			s.sends(shopify.CheckoutsCreate, s.goods("trial", fields{"phone": "+919810070007", "gateway": "bogus"}), testHeader, "true")
			s.called("trial", "+919810070007")
		}},
		{name: "a test that turns real is called", act: func(s *stage) {
			s.leaves("trial", fields{"phone": "+919810070008", "gateway": "bogus"})
			s.is("trial", "watching", "test")
			s.returns("trial", fields{"phone": "+919810070008", "gateway": "shopify_payments"})
			s.called("trial", "+919810070008")
		}},
	})
}

func TestCases_EmptiedCarts(t *testing.T) {
	t.Parallel()
	emptied := func(name, phone string, custom bool, empty fields) play {
		return play{name: name, custom: custom, act: func(s *stage) {
			s.leaves("emptied", fields{"email": "e@home.example"})
			s.is("emptied", "watching", "no_phone")
			empty["phone"], empty["updated_at"] = phone, ago(50*time.Minute)
			s.returns("emptied", empty)
			s.never("emptied", "watching", "empty_cart")
			s.returns("emptied", fields{"phone": phone})
			s.called("emptied", phone)
		}}
	}
	runPlays(t, []play{
		emptied("no lines", "+919810072001", false, fields{"line_items": []fields{}, "total_price": "0.00"}),
		emptied("no lines for a custom assistant", "+919810072002", true, fields{"line_items": []fields{}, "total_price": "0.00"}),
		emptied("lines of no pieces", "+919810072003", false, fields{"line_items": []fields{{"title": "Copper kettle", "variant_id": 11, "quantity": 0, "price": "1250.00"}}}),
		emptied("lines of no pieces for a custom assistant", "+919810072004", true,
			fields{"line_items": []fields{{"title": "Copper kettle", "variant_id": 11, "quantity": 0, "price": "1250.00"}}, "total_price": "0.00"}),
		{name: "begun empty", act: func(s *stage) {
			s.leaves("begun", fields{"phone": "+919810072005", "line_items": []fields{}, "total_price": "0.00"})
			s.never("begun", "watching", "empty_cart")
			s.returns("begun", fields{"phone": "+919810072005"})
			s.called("begun", "+919810072005")
		}},
		{name: "emptied while it waits", policy: "delay: 2s", act: func(s *stage) {
			s.leaves("waits", fields{"phone": "+919810072006", "updated_at": ahead(0)})
			s.returns("waits", fields{"phone": "+919810072006", "updated_at": ahead(time.Second), "line_items": []fields{}, "total_price": "0.00"})
			s.never("waits", "watching", "empty_cart")
		}},
	})
}

// Orders of a wholesaler have hundreds of lines, and megabytes.
func TestCases_LargePayloadsAreTaken(t *testing.T) {
	t.Parallel()
	lines := func(n, bytes int) []fields {
		all := make([]fields, n)
		for i := range all {
			all[i] = fields{
				"id": 880000 + i, "title": fmt.Sprintf("Tile %d", i), "variant_id": 500 + i, "product_id": 9, "sku": fmt.Sprintf("T%d", i), "quantity": 2,
				"price": "2.50", "properties": []fields{{"name": "engraving", "value": strings.Repeat("ä", bytes/2)}},
			}
		}
		return all
	}
	runPlays(t, []play{
		{name: "an order of 500 lines", policy: far, act: func(s *stage) {
			s.leaves("tiles", fields{"phone": "+919810073001"})
			s.buys(fields{"checkout_token": "tiles", "line_items": lines(500, 2300)})
			s.is("tiles", "purchased", "ordered")
		}},
		{name: "an order of 900 lines and nine megabytes", act: func(s *stage) {
			s.buys(fields{"checkout_token": "tiles", "line_items": lines(900, 10_000)})
			s.leaves("tiles", fields{"phone": "+919810073002"})
			s.notCalled("tiles")
			s.is("tiles", "purchased", "ordered")
		}},
		{name: "a checkout of 500 lines", act: func(s *stage) {
			s.leaves("tiles", fields{"phone": "+919810073003", "line_items": lines(500, 2300), "total_price": "2500.00"})
			c := s.called("tiles", "+919810073003")
			assert.Equal(s.t, "2500.00", c.Total)
		}},
		{name: "an order of 500 lines under the buyer's other number", policy: far, act: func(s *stage) {
			s.leaves("tiles", fields{"phone": "+919810073004", "shipping_address": at("IN", "98100 73044")})
			s.buys(fields{"phone": "+919810073044", "line_items": lines(500, 2300)})
			s.is("tiles", "purchased", "ordered")
		}},
	})
}

func TestCases_OrdersThatAreNotTheCarts(t *testing.T) {
	t.Parallel()
	renewed := func(name, phone string, order fields) play {
		return play{name: name, act: func(s *stage) {
			s.leaves("open", fields{"email": "renews@home.example", "phone": phone})
			order["email"] = "renews@home.example"
			s.buys(order)
			s.called("open", phone)
		}}
	}
	runPlays(t, []play{
		renewed("a subscription renews", "+919810075001", fields{"source_name": "subscription_contract"}),
		renewed("a subscription renews under the number", "+919810075002", fields{"source_name": "subscription_contract", "phone": "+919810075002"}),
		{name: "a subscription renews while the cart waits", policy: far, act: func(s *stage) {
			s.leaves("open", fields{"email": "waits@home.example", "phone": "+919810075003"})
			s.buys(fields{"email": "waits@home.example", "source_name": "subscription_contract"})
			s.is("open", "waiting", "delay")
		}},
		{name: "an older order of the same cart token", act: func(s *stage) {
			s.buys(fields{"cart_token": "c-open", "created_at": ago(48 * time.Hour), "updated_at": ago(time.Minute)})
			s.leaves("open", fields{"phone": "+919810075004"})
			s.called("open", "+919810075004")
		}},
		{name: "an older order of the same cart token that comes late", act: func(s *stage) {
			s.leaves("open", fields{"phone": "+919810075005"})
			s.buys(fields{"cart_token": "c-open", "created_at": ago(5 * time.Hour), "updated_at": ago(time.Minute)})
			s.called("open", "+919810075005")
		}},
		{name: "an older order of the same email", act: func(s *stage) {
			s.leaves("open", fields{"email": "old@home.example", "phone": "+919810075006"})
			s.buys(fields{"email": "old@home.example", "created_at": ago(72 * time.Hour), "updated_at": ago(time.Minute)})
			s.called("open", "+919810075006")
		}},
		{name: "a newer order of the same cart token", policy: far, act: func(s *stage) {
			s.leaves("open", fields{"phone": "+919810075007"})
			s.buys(fields{"cart_token": "c-open", "created_at": ago(time.Minute)})
			s.is("open", "purchased", "ordered")
		}},
		{name: "the first order of a subscription", policy: far, act: func(s *stage) {
			s.leaves("open", fields{"email": "first@home.example", "phone": "+919810075008"})
			s.buys(fields{"checkout_token": "open", "source_name": "subscription_contract_checkout_one"})
			s.is("open", "purchased", "ordered")
		}},
	})
}
