package app_test

import (
	"net/http"
	"testing"

	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An order under any name of a person is the purchase of every cart under any name of theirs.
func TestCases_OrdersUnderAnotherName(t *testing.T) {
	t.Parallel()
	// owned plays a cart that is owned by an order, both under several names.
	owned := func(name string, cart, order fields) play {
		return play{name: name, policy: far, act: func(s *stage) {
			s.leaves("open", cart)
			s.is("open", "waiting", "delay")
			s.buys(order)
			c := s.is("open", "purchased", "ordered")
			assert.Equal(s.t, "organic", c.Attribution)
		}}
	}
	// spared plays the same, where the cart comes due after the order.
	spared := func(name string, before, order, after fields) play {
		return play{name: name, act: func(s *stage) {
			s.leaves("due", before)
			s.is("due", "watching", "no_phone")
			s.buys(order)
			s.returns("due", after)
			s.notCalled("due")
			s.is("due", "purchased", "ordered")
		}}
	}
	account := func(more fields) fields { return fields{"customer": more} }
	plus := func(all ...fields) fields {
		sum := fields{}
		for _, f := range all {
			for k, v := range f {
				sum[k] = v
			}
		}
		return sum
	}
	runPlays(t, []play{
		owned("the contact email of the order",
			fields{"email": "nila@home.example", "phone": "+919810060001"},
			fields{"email": "nila@work.example", "contact_email": "nila@home.example", "phone": "+919810060901"}),
		owned("the account's email of the order",
			fields{"email": "ravi@home.example", "phone": "+919810060002"},
			plus(fields{"email": "ravi@work.example"}, account(fields{"id": 601, "email": "Ravi@Home.example"}))),
		owned("the account's email of the cart",
			plus(fields{"email": "guest@work.example", "phone": "+919810060003"}, account(fields{"id": 602, "email": "uma@home.example"})),
			fields{"email": "UMA@home.example"}),
		owned("the account alone",
			plus(fields{"email": "a1@home.example", "phone": "+919810060004"}, account(fields{"id": 60304})),
			plus(fields{"email": "b1@home.example"}, account(fields{"id": 60304}))),
		owned("the order's billing number is the cart's delivery number",
			fields{"email": "a2@home.example", "phone": "+919810060005", "shipping_address": at("IN", "098100 60055")},
			fields{"email": "b2@home.example", "billing_address": at("IN", "+91 98100-60055")}),
		owned("the cart's number for text messages",
			fields{"email": "a3@home.example", "phone": "+919810060006", "sms_marketing_phone": "+919810060066"},
			fields{"email": "b3@home.example", "shipping_address": at("IN", "98100 60066")}),
		owned("the order's account number is the cart's billing number",
			fields{"email": "a4@home.example", "phone": "+919810060007", "billing_address": at("IN", "9810060077")},
			plus(fields{"email": "b4@home.example"}, account(fields{"id": 603, "phone": "+919810060077"}))),
		owned("the order's contact number is the cart's account number",
			plus(fields{"email": "a5@home.example", "phone": "+919810060008"}, account(fields{"id": 604, "phone": "98100 60088"})),
			fields{"email": "b5@home.example", "phone": "+919810060088"}),
		owned("the number of the account's address",
			fields{"email": "a6@home.example", "phone": "+919810060009", "shipping_address": at("IN", "9810060099")},
			plus(fields{"email": "b6@home.example"}, account(fields{"id": 605, "default_address": at("IN", "+919810060099")}))),
		owned("a number from abroad",
			fields{"email": "a7@home.example", "phone": "+919810060010", "billing_address": at("GB", "020 7183 8760")},
			fields{"email": "b7@home.example", "shipping_address": at("GB", "+44 20 7183 8760")}),
		spared("bought under the account's email before the cart had a number",
			plus(fields{"email": "c1@home.example"}, account(fields{"id": 611, "email": "c1@own.example"})),
			fields{"email": "c1@own.example"},
			plus(fields{"email": "c1@home.example", "phone": "+919810060011"}, account(fields{"id": 611, "email": "c1@own.example"}))),
		spared("bought under a number that the cart got later",
			fields{"email": "c2@home.example"},
			fields{"email": "c2@work.example", "phone": "+919810060122"},
			fields{"email": "c2@home.example", "phone": "+919810060012", "billing_address": at("IN", "98100 60122")}),
		spared("bought as a guest with the number of the delivery",
			fields{"email": "c3@home.example", "shipping_address": at("IN", "")},
			fields{"email": "c3@work.example", "shipping_address": at("IN", "98100-60133")},
			fields{"email": "c3@home.example", "phone": "+919810060013", "shipping_address": at("IN", "+919810060133")}),
		{name: "a stranger's order changes nothing", act: func(s *stage) {
			s.leaves("due", fields{"email": "d1@home.example", "phone": "+919810060014", "shipping_address": at("IN", "9810060144")})
			s.buys(fields{"email": "d2@home.example", "phone": "+919810060015", "shipping_address": at("IN", "9810060145")})
			s.called("due", "+919810060014")
		}},
		{name: "the call under way is called off", act: func(s *stage) {
			s.does("+919810060016", simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.Silent}})
			s.leaves("open", fields{"email": "e1@home.example", "phone": "+919810060016", "billing_address": at("IN", "9810060166")})
			s.waits("open", "placed", func(c seen) bool { return len(c.Calls) == 1 && c.Calls[0].State == "placed" })
			s.buys(fields{"email": "e2@home.example", "phone": "+919810060166"})
			s.is("open", "purchased", "ordered")
			s.waits("open", "called off", func(c seen) bool { return c.Calls[0].Outcome == "aborted" })
		}},
	})
}

func TestCases_OptingOutUnderAnotherName(t *testing.T) {
	t.Parallel()
	heard := func(name string, first, second fields, number string) play {
		return play{name: name, act: func(s *stage) {
			s.does(number, simvoice.Behaviour{Insights: map[string]any{"do_not_call": true}})
			s.leaves("first", first)
			s.called("first", number)
			s.is("first", "stopped", "opted_out")
			s.leaves("second", second)
			s.spared("second")
		}}
	}
	entered := func(name string, entry, cart fields) play {
		return play{name: name, act: func(s *stage) {
			entry["shop"] = s.shop
			status, answer := s.suppresses(entry)
			require.Equal(s.t, http.StatusCreated, status, answer)
			s.leaves("held", cart)
			s.spared("held")
		}}
	}
	runPlays(t, []play{
		heard("heard on a call, same typed email",
			fields{"email": "f1@home.example", "phone": "+919810061001"},
			fields{"email": "F1@home.example", "phone": "+919810061101"}, "+919810061001"),
		heard("heard on a call, same account",
			fields{"email": "f2@home.example", "phone": "+919810061002", "customer": fields{"id": 6211, "email": "f2@own.example"}},
			fields{"email": "f2@own.example", "phone": "+919810061102"}, "+919810061002"),
		heard("heard on a call, same delivery number",
			fields{"email": "f3@home.example", "phone": "+919810061003", "shipping_address": at("IN", "9810061113")},
			fields{"email": "f3@work.example", "phone": "+919810061103", "billing_address": at("IN", "+91 98100 61113")}, "+919810061003"),
		entered("entered by the account's email", fields{"email": "g1@own.example"},
			fields{"email": "g1@home.example", "phone": "+919810061004", "customer": fields{"id": 6221, "email": "G1@own.example"}}),
		entered("entered by the typed email", fields{"email": "g2@home.example"},
			fields{"email": "g2@home.example", "phone": "+919810061005", "customer": fields{"id": 6222, "email": "g2@own.example"}}),
		entered("entered by the billing number", fields{"phone": "98100 61006"},
			fields{"email": "g3@home.example", "phone": "+919810061106", "billing_address": at("IN", "9810061006")}),
		entered("entered by the account's number", fields{"phone": "+919810061007"},
			fields{"email": "g4@home.example", "phone": "+919810061107", "customer": fields{"id": 6223, "phone": "98100 61007"}}),
	})
}

// What a person is known by on a cart is enough to erase it, and to hand it out.
func TestCases_PrivacyUnderAnotherName(t *testing.T) {
	t.Parallel()
	erased := func(name string, cart, customer fields) play {
		return play{name: name, policy: far, act: func(s *stage) {
			s.leaves("theirs", cart)
			s.leaves("others", fields{"email": "other@home.example", "phone": "+919810062999"})
			s.sends(shopify.CustomersRedact, fields{"shop_id": 5, "shop_domain": s.shop, "customer": customer, "orders_to_redact": []int{}})
			c := s.is("theirs", "stopped", "redacted")
			assert.Empty(s.t, c.Phone)
			assert.Empty(s.t, c.CustomerName)
			_, all := s.api(http.MethodGet, "/api/v1/carts/"+c.ID, nil)
			assert.NotContains(s.t, all, "98100620")
			assert.NotContains(s.t, all, "h1@")
			assert.NotContains(s.t, all, "Mira")
			c = s.is("others", "waiting", "delay")
			assert.Equal(s.t, "+919810062999", c.Phone)
		}}
	}
	handed := func(name string, cart, customer fields) play {
		return play{name: name, policy: far, act: func(s *stage) {
			s.leaves("theirs", cart)
			s.leaves("others", fields{"email": "other@home.example", "phone": "+919810062998"})
			s.sends(shopify.CustomersDataRequest, fields{
				"shop_id": 5, "shop_domain": s.shop, "customer": customer, "orders_requested": []int{}, "data_request": fields{"id": 9},
			})
			var list struct {
				Requests []struct{ ID, Shop, Kind string }
			}
			s.reads("/api/v1/privacy", &list)
			for _, r := range list.Requests {
				if r.Shop == s.shop {
					status, all := s.api(http.MethodGet, "/api/v1/privacy/"+r.ID, nil)
					require.Equal(s.t, http.StatusOK, status, all)
					assert.Contains(s.t, all, `"checkout_token":"theirs"`)
					assert.NotContains(s.t, all, `"checkout_token":"others"`)
					return
				}
			}
			s.t.Fatalf("no request of the shop: %v", list)
		}}
	}
	theirs := func(number string) fields {
		return fields{
			"email": "h1@home.example", "phone": "+9198100" + number, "shipping_address": at("IN", "098100 62"+number[2:]),
			"customer": fields{"id": 6301, "email": "h1@own.example", "first_name": "Mira"},
		}
	}
	const unknown = "nobody@home.example"
	runPlays(t, []play{
		erased("erased by the account's email", theirs("62001"), fields{"email": "H1@own.example"}),
		erased("erased by the typed email", theirs("62002"), fields{"id": 99, "email": "h1@home.example"}),
		erased("erased by the account", theirs("62003"), fields{"id": 6301, "email": unknown}),
		erased("erased by the contact number in national form", theirs("62004"), fields{"email": nil, "phone": "98100 62004"}),
		erased("erased by the delivery number", func() fields {
			f := theirs("62005")
			f["shipping_address"] = at("IN", "98100 62055")
			return f
		}(), fields{"email": unknown, "phone": "+919810062055"}),
		erased("erased by the billing number", fields{
			"email": "h1@home.example", "phone": "+919810062006", "billing_address": at("IN", "9810062066"),
		}, fields{"email": nil, "phone": "9810062066"}),
		handed("handed out by the account's email", theirs("62011"), fields{"email": "h1@own.example"}),
		handed("handed out by the typed email", theirs("62012"), fields{"email": "h1@home.example"}),
		handed("handed out by a number in national form", theirs("62013"), fields{"phone": "098100-62013"}),
	})
}
