package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/web"
	"ringback/internal/web/webtest"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPI_NeedsItsToken(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for name, header := range map[string][]string{
		"no header":       {},
		"another scheme":  {"Authorization", "Basic " + webtest.APIToken},
		"no token":        {"Authorization", "Bearer "},
		"a wrong token":   {"Authorization", "Bearer " + webtest.APIToken + "x"},
		"half the token":  {"Authorization", "Bearer " + webtest.APIToken[:5]},
		"the bare token":  {"Authorization", webtest.APIToken},
		"a login instead": {"Cookie", "ringback=anything"},
	} {
		a := s.Send(http.MethodGet, "/api/v1/carts", nil, header...)
		webtest.IsProblem(t, a, http.StatusUnauthorized)
		assert.Contains(t, a.Header.Get("WWW-Authenticate"), `Bearer realm="ringback"`, name)
	}
	a := s.Send(http.MethodGet, "/api/v1/carts", nil, "Authorization", "bearer "+webtest.APIToken)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	assert.Equal(t, "application/json", a.Header.Get("Content-Type"))
	assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
	assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
}

func TestAPI_ClosedWithoutToken(t *testing.T) {
	t.Parallel()
	s := webtest.New(t, func(o *web.Options) { o.Config.Security.APIToken = "" })
	for _, header := range [][]string{{}, {"Authorization", "Bearer "}, {"Authorization", "Bearer x"}} {
		p := webtest.IsProblem(t, s.Send(http.MethodGet, "/api/v1/carts", nil, header...), http.StatusForbidden)
		assert.Contains(t, p["detail"], "security.api_token")
	}
}

func TestAPI_WrongAddressesAndMethodsAreProblems(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	webtest.IsProblem(t, s.API(http.MethodGet, "/api/v1/nothing", nil), http.StatusNotFound)
	webtest.IsProblem(t, s.API(http.MethodGet, "/webhooks/nothing", nil), http.StatusNotFound)
	a := s.API(http.MethodPut, "/api/v1/carts", nil)
	webtest.IsProblem(t, a, http.StatusMethodNotAllowed)
	assert.Contains(t, a.Header.Get("Allow"), "GET")
	webtest.IsProblem(t, s.API(http.MethodGet, "/api/v1/carts/"+uuid.NewString()+"/cancel", nil), http.StatusMethodNotAllowed)
	webtest.IsProblem(t, s.Send(http.MethodGet, "/webhooks/shopify", nil), http.StatusMethodNotAllowed)
}

func TestCarts_AreListed(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	bare := webtest.SomeCart()
	bare.State, bare.Reason, bare.WakeAt, bare.Phone = cart.Watching, cart.NoPhone, nil, ""
	bare.Checkout = cart.Checkout{Token: bare.Token}
	s.Seed(bare, webtest.BoughtCart(), webtest.SomeCart())

	a := s.API(http.MethodGet, "/api/v1/carts", nil)
	got := webtest.Conforms(t, a, cartsSchema)
	assert.Equal(t, []string{
		"id", "shop", "checkout_token", "state", "reason", "attribution", "wake_at", "attempts", "total", "currency", "phone",
		"customer_name", "last_activity_at", "created_at", "updated_at",
	}, fieldOrder(t, a.Content, "carts"))
	carts := entries(t, got, "carts")
	require.Len(t, carts, 3)
	assert.Empty(t, got["next_cursor"])

	waits, bought, watched := carts[0], carts[1], carts[2]
	assert.Equal(t, "2026-11-21T09:30:00Z", waits["wake_at"])
	assert.Equal(t, "1895.50", waits["total"])
	assert.Equal(t, "Asha Rao", waits["customer_name"])
	assert.Nil(t, waits["attribution"])
	assert.Equal(t, "call", bought["attribution"])
	assert.Equal(t, "120.00", bought["total"])
	for _, absent := range []string{"attribution", "wake_at", "currency", "phone", "customer_name"} {
		assert.Nil(t, watched[absent], absent)
	}
}

func entries(t *testing.T, body map[string]any, field string) []map[string]any {
	t.Helper()
	raw, ok := body[field].([]any)
	require.True(t, ok)
	list := make([]map[string]any, len(raw))
	for i := range raw {
		list[i], ok = raw[i].(map[string]any)
		require.True(t, ok)
	}
	return list
}

func TestLists_AreFiltered(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Seed(webtest.SomeCart(), webtest.SomeCart(), webtest.BoughtCart())
	for query, want := range map[string]int{
		"":                                      3,
		"?shop=" + webtest.Acme:                 2,
		"?shop=BOLT.myshopify.com":              1,
		"?state=waiting":                        2,
		"?state=purchased&shop=" + webtest.Acme: 0,
		"?reason=delay":                         2,
		"?shop=&state=&cursor=":                 3,
		"?shop=other.myshopify.com":             0,
	} {
		got := webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/carts"+query, nil), cartsSchema)
		assert.Len(t, got["carts"], want, query)
	}
	got := webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/calls?shop="+webtest.Bolt, nil), callsSchema)
	assert.Len(t, got["calls"], 1)
	got = webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/calls?shop="+webtest.Acme, nil), callsSchema)
	assert.Empty(t, got["calls"])
}

func TestQuery_WrongParametersAreExplained(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	for path, fields := range map[string][]string{
		"/api/v1/carts?shop=acme":                         {"shop"},
		"/api/v1/carts?shop=acme.example.com":             {"shop"},
		"/api/v1/carts?state=lost":                        {"state"},
		"/api/v1/carts?reason=bored":                      {"reason"},
		"/api/v1/carts?limit=0":                           {"limit"},
		"/api/v1/carts?limit=201":                         {"limit"},
		"/api/v1/carts?limit=ten":                         {"limit"},
		"/api/v1/carts?cursor=" + uuid.NewString():        {"cursor"},
		"/api/v1/carts?cursor=AAAA":                       {"cursor"},
		"/api/v1/carts?cursor=AAAAAAAAAAAAAAAAAAAAAA":     {"cursor"},
		"/api/v1/carts?page=2":                            {"page"},
		"/api/v1/carts?page=2&shop=x&state=y":             {"page", "shop", "state"},
		"/api/v1/carts?state=ready&state=waiting":         {"state"},
		"/api/v1/carts?state=%zz":                         {"query"},
		"/api/v1/carts/" + uuid.NewString() + "?full=yes": {"full"},
		"/api/v1/calls?state=closed":                      {"state"},
		"/api/v1/suppressions?scope=all":                  {"scope"},
		"/api/v1/stats?from=yesterday":                    {"from"},
		"/api/v1/stats?from=2026-11-20&to=2026-11-01":     {"from"},
		"/api/v1/stats?from=2026-11-20T10:00:00+05:30":    {"from"},
		"/api/v1/stats?to=2026-13-01":                     {"to"},
	} {
		byField := webtest.Blames(t, s.API(http.MethodGet, path, nil), fields...)
		for field, entry := range byField {
			assert.NotEmpty(t, entry["fix"], "%s: %s", path, field)
		}
	}
	entry := webtest.Blames(t, s.API(http.MethodGet, "/api/v1/carts?state=lost", nil), "state")["state"]
	assert.Equal(t, "lost", entry["value"])
	assert.Contains(t, entry["fix"], "watching, waiting, ready, calling, purchased, stopped")
	entry = webtest.Blames(t, s.API(http.MethodGet, "/api/v1/carts?page=2", nil), "page")["page"]
	assert.Contains(t, entry["fix"], "shop, state, reason, cursor, limit")
	long := webtest.Blames(t, s.API(http.MethodGet, "/api/v1/carts?state="+strings.Repeat("ü", 400), nil), "state")["state"]
	assert.Less(t, len(long["value"].(string)), 110)
}

// With pages of any size, every cart is listed once, newest first.
func TestCarts_PagesShowEveryCartOnce(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	var want []string
	for range 23 {
		c := webtest.SomeCart()
		s.Seed(c)
		want = append([]string{c.ID.String()}, want...)
	}
	for _, limit := range []string{"1", "7", "22", "23", "24", "200"} {
		var got []string
		cursor := ""
		for range 30 {
			body := webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/carts?limit="+limit+"&cursor="+cursor, nil), cartsSchema)
			for _, c := range entries(t, body, "carts") {
				got = append(got, c["id"].(string))
			}
			if cursor = body["next_cursor"].(string); cursor == "" {
				break
			}
		}
		assert.Equal(t, want, got, limit)
	}
}

func TestCart_ShowsCallsAndLedger(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := webtest.BoughtCart()
	s.Seed(c)
	got := webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/carts/"+c.ID.String(), nil), oneCartSchema)
	calls := entries(t, got, "calls")
	require.Len(t, calls, 1)
	assert.Equal(t, "completed", calls[0]["outcome"])
	assert.InDelta(t, 95, calls[0]["duration_seconds"], 0)
	assert.Equal(t, map[string]any{
		"code": "COMEBACK10", "description": "10 % off", "value": "10", "type": "percentage", "apply_as": "additional",
		"mentioned": true, "accepted": false,
	}, calls[0]["offer"])
	assert.Equal(t, "shipping_cost", calls[0]["abandon_reason"])
	assert.Equal(t, map[string]any{"abandon_reason": "shipping cost", "interested": true}, calls[0]["insights"])
	assert.Equal(t, []any{"send_link"}, calls[0]["required_actions"])
	assert.Contains(t, calls[0]["transcript"], "customer: Hello!")
	ledger := entries(t, got, "ledger")
	require.Len(t, ledger, 2)
	assert.Nil(t, ledger[0]["from"])
	assert.Equal(t, "waiting", ledger[0]["to"])
	assert.Equal(t, []any{
		map[string]any{"rule": "phone", "saw": "a mobile number of the checkout", "verdict": "ok"},
		map[string]any{"rule": "delay", "saw": "45m after the last activity", "verdict": "wait"},
	}, ledger[0]["trace"])
	assert.Equal(t, []any{}, ledger[1]["trace"])

	for _, id := range []string{uuid.NewString(), "1", "not-an-id", "00000000-0000-0000-0000-000000000000"} {
		webtest.IsProblem(t, s.API(http.MethodGet, "/api/v1/carts/"+id, nil), http.StatusNotFound)
	}
}

func TestCart_IsStoppedAndCalled(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c, bought := webtest.SomeCart(), webtest.BoughtCart()
	calling := webtest.SomeCart()
	calling.State, calling.Reason, calling.WakeAt = cart.Calling, cart.Due, nil
	open := webtest.ClosedCall(calling)
	open.State, open.Outcome, open.ClosedAt = cart.Talking, "", nil
	calling.Calls = []cart.Call{open}
	s.Seed(c, bought, calling)

	path := "/api/v1/carts/" + c.ID.String()
	a := s.API(http.MethodPost, path+"/call", nil)
	assert.Equal(t, http.StatusOK, a.StatusCode, a.Text())
	got := webtest.Conforms(t, a, oneCartSchema)
	assert.Equal(t, c.ID.String(), got["id"])
	ledger := entries(t, got, "ledger")
	assert.Equal(t, "operator_call", ledger[len(ledger)-1]["event"])

	a = s.API(http.MethodPost, path+"/cancel", nil)
	assert.Equal(t, http.StatusOK, a.StatusCode, a.Text())
	got = webtest.Conforms(t, a, oneCartSchema)
	assert.Equal(t, "stopped", got["state"])
	assert.Equal(t, "operator", got["reason"])
	assert.Nil(t, got["wake_at"])

	for _, settled := range []string{path + "/cancel", path + "/call", "/api/v1/carts/" + bought.ID.String() + "/call"} {
		p := webtest.IsProblem(t, s.API(http.MethodPost, settled, nil), http.StatusConflict)
		assert.Equal(t, "urn:ringback:problem:cart-settled", p["type"])
	}
	p := webtest.IsProblem(t, s.API(http.MethodPost, "/api/v1/carts/"+calling.ID.String()+"/call", nil), http.StatusConflict)
	assert.Equal(t, "urn:ringback:problem:cart-calling", p["type"])
	webtest.IsProblem(t, s.API(http.MethodPost, "/api/v1/carts/"+uuid.NewString()+"/cancel", nil), http.StatusNotFound)
	webtest.Blames(t, s.API(http.MethodPost, path+"/cancel?force=1", nil), "force")
}

func TestSuppressions_AreMadeAndLifted(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	c := webtest.SomeCart()
	s.Seed(c)
	const path = "/api/v1/suppressions"

	a := s.API(http.MethodPost, path, map[string]string{"shop": webtest.Acme, "phone": "98765 43210", "email": "asha@example.com"})
	assert.Equal(t, http.StatusCreated, a.StatusCode, a.Text())
	made := entries(t, webtest.Conforms(t, a, suppressionsSchema), "suppressions")
	require.Len(t, made, 2)
	assert.Equal(t, []any{webtest.Acme, "phone", "+919876543210", "api"}, []any{made[0]["shop"], made[0]["kind"], made[0]["value"], made[0]["source"]})
	assert.Equal(t, "email", made[1]["kind"])
	got := webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/carts/"+c.ID.String(), nil), oneCartSchema)
	assert.Equal(t, "stopped", got["state"], "the person's carts stop")

	a = s.API(http.MethodPost, path, map[string]string{"shop": "", "phone": "+14155550123"})
	assert.Equal(t, http.StatusCreated, a.StatusCode, a.Text())
	everywhere := entries(t, webtest.Conforms(t, a, suppressionsSchema), "suppressions")
	assert.Nil(t, everywhere[0]["shop"])

	assert.Len(t, webtest.Conforms(t, s.API(http.MethodGet, path, nil), suppressionsSchema)["suppressions"], 3)
	assert.Len(t, webtest.Conforms(t, s.API(http.MethodGet, path+"?shop="+webtest.Acme, nil), suppressionsSchema)["suppressions"], 2)
	assert.Empty(t, webtest.Conforms(t, s.API(http.MethodGet, path+"?shop="+webtest.Bolt, nil), suppressionsSchema)["suppressions"])
	first := webtest.Conforms(t, s.API(http.MethodGet, path+"?limit=2", nil), suppressionsSchema)
	assert.Len(t, first["suppressions"], 2)
	rest := webtest.Conforms(t, s.API(http.MethodGet, path+"?cursor="+first["next_cursor"].(string), nil), suppressionsSchema)
	assert.Len(t, rest["suppressions"], 1)

	id, second := made[0]["id"].(string), made[1]["id"].(string)
	const why = "asked for it in a chat"
	asked := "&reason=" + url.QueryEscape(why)
	for _, without := range []webtest.Answer{
		s.API(http.MethodDelete, path+"?id="+id, nil),
		s.API(http.MethodDelete, path+"?id="+id+"&reason=%20", nil),
		s.API(http.MethodDelete, path+"/"+id, nil),
		s.API(http.MethodDelete, path+"/"+id, map[string]string{"reason": ""}),
		s.API(http.MethodDelete, path+"?shop="+webtest.Acme+"&email=asha%40example.com", nil),
		s.API(http.MethodDelete, path, map[string]string{"phone": "+14155550123"}),
		s.API(http.MethodDelete, path+"?id="+id+"&reason=asha%40example.com+asked", nil),
		s.API(http.MethodDelete, path+"?id="+id+"&reason=call+98765+43210", nil),
		s.API(http.MethodDelete, path+"?id="+id+"&reason="+strings.Repeat("x", 201), nil),
	} {
		assert.Equal(t, http.StatusUnprocessableEntity, without.StatusCode)
		assert.Equal(t, "reason", entries(t, webtest.Conforms(t, without, webtest.FieldProblem), "errors")[0]["field"])
		assert.NotContains(t, without.Text(), "43210")
	}
	assert.Len(t, webtest.Conforms(t, s.API(http.MethodGet, path, nil), suppressionsSchema)["suppressions"], 3, "nothing was lifted")

	assert.Equal(t, http.StatusNoContent, s.API(http.MethodDelete, path+"?id="+id+asked, nil).StatusCode)
	webtest.IsProblem(t, s.API(http.MethodDelete, path+"?id="+id+asked, nil), http.StatusNotFound)
	webtest.IsProblem(t, s.API(http.MethodDelete, path+"/"+id+"?reason=again", nil), http.StatusNotFound)
	webtest.IsProblem(t, s.API(http.MethodDelete, path+"/7?reason=again", nil), http.StatusNotFound)
	assert.Equal(t, http.StatusNoContent, s.API(http.MethodDelete, path+"/"+second, map[string]string{"reason": why}).StatusCode)
	webtest.IsProblem(t, s.API(http.MethodDelete, path+"?shop="+webtest.Acme+"&email=asha%40example.com"+asked, nil), http.StatusNotFound)
	webtest.IsProblem(t, s.API(http.MethodDelete, path, map[string]string{"shop": webtest.Bolt, "phone": "+14155550123", "reason": why}), http.StatusNotFound)
	assert.Equal(t, http.StatusNoContent, s.API(http.MethodDelete, path, map[string]string{"phone": "+14155550123", "reason": why}).StatusCode)
	assert.Empty(t, webtest.Conforms(t, s.API(http.MethodGet, path, nil), suppressionsSchema)["suppressions"])

	lifted := entries(t, webtest.Conforms(t, s.API(http.MethodGet, path+"?lifted=true", nil), liftedSchema), "suppressions")
	require.Len(t, lifted, 3)
	assert.Equal(t, []any{id, "+919876543210", "api", why}, []any{lifted[2]["id"], lifted[2]["value"], lifted[2]["lifted_by"], lifted[2]["lifted_reason"]})
	assert.Len(t, webtest.Conforms(t, s.API(http.MethodGet, path+"?lifted=true&shop="+webtest.Acme+"&limit=1", nil), liftedSchema)["suppressions"], 1)
	webtest.Blames(t, s.API(http.MethodGet, path+"?lifted=yes", nil), "lifted")

	again := s.API(http.MethodPost, path, map[string]string{"shop": webtest.Acme, "phone": "98765 43210"})
	assert.Equal(t, http.StatusCreated, again.StatusCode)
	assert.Len(t, webtest.Conforms(t, s.API(http.MethodGet, path, nil), suppressionsSchema)["suppressions"], 1, "who asks again is on the list again")
}

func TestSuppressions_WrongOnesAreExplained(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	const path = "/api/v1/suppressions"
	for _, c := range []struct {
		body   any
		fields []string
	}{
		{map[string]string{}, []string{"phone"}},
		{map[string]string{"phone": "12"}, []string{"phone"}},
		{map[string]string{"phone": "98765 43210"}, []string{"phone"}},
		{map[string]string{"email": "Asha <asha@example.com>"}, []string{"email"}},
		{map[string]string{"email": "nobody", "phone": "+919876543210"}, []string{"email"}},
		{map[string]string{"shop": "other.myshopify.com", "phone": "+919876543210"}, []string{"shop"}},
		{map[string]string{"shop": "acme", "phone": "no"}, []string{"shop", "phone"}},
		{map[string]any{"phone": 12}, []string{"phone"}},
		{map[string]any{"phone": "+919876543210", "scope": "all"}, []string{"scope"}},
	} {
		a := s.API(http.MethodPost, path, c.body)
		webtest.Blames(t, a, c.fields...)
		assert.NotContains(t, a.Text(), "asha@", "personal data is not repeated")
		assert.NotContains(t, a.Text(), "98765")
	}
	token := []string{"Authorization", "Bearer " + webtest.APIToken}
	webtest.IsProblem(t, s.Send(http.MethodPost, path, strings.NewReader(`phone=1`), append(token, "Content-Type", "application/x-www-form-urlencoded")...), http.StatusUnsupportedMediaType)
	for _, body := range []string{``, `[]`, `{"phone": "+919876543210"} {}`, `{"phone":`, `"x"`, `null null`} {
		webtest.IsProblem(t, s.Send(http.MethodPost, path, strings.NewReader(body), append(token, "Content-Type", "application/json; charset=utf-8")...), http.StatusBadRequest)
	}
	webtest.IsProblem(t, s.Send(http.MethodPost, path, strings.NewReader(`{"phone": "`+strings.Repeat("1", 70_000)+`"}`), append(token, "Content-Type", "application/json")...), http.StatusRequestEntityTooLarge)
	webtest.Blames(t, s.API(http.MethodDelete, path+"?id=7", nil), "id")
	webtest.Blames(t, s.API(http.MethodDelete, path+"?id="+uuid.NewString()+"&shop="+webtest.Acme, nil), "id")
	webtest.Blames(t, s.API(http.MethodDelete, path, nil), "phone")
	webtest.Blames(t, s.API(http.MethodDelete, path, map[string]any{"phone": 12, "reason": "asked for it"}), "phone")
	webtest.Blames(t, s.API(http.MethodDelete, path+"?who=all", nil), "who")
}

func TestShop_IsPausedAndResumed(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	a := s.API(http.MethodPost, "/api/v1/shops/"+webtest.Acme+"/pause", nil)
	assert.Equal(t, http.StatusOK, a.StatusCode, a.Text())
	got := webtest.Conforms(t, a, shopSchema)
	assert.Equal(t, []any{true, "api", "2026-11-21T09:00:00Z"}, []any{got["paused"], got["paused_by"], got["paused_at"]})
	again := webtest.Conforms(t, s.API(http.MethodPost, "/api/v1/shops/"+webtest.Acme+"/pause", nil), shopSchema)
	assert.Equal(t, got, again, "pausing twice changes nothing")
	got = webtest.Conforms(t, s.API(http.MethodPost, "/api/v1/shops/ACME.myshopify.com/resume", nil), shopSchema)
	assert.Equal(t, []any{false, nil, nil}, []any{got["paused"], got["paused_by"], got["paused_at"]})

	for _, shop := range []string{"other.myshopify.com", "acme", "..%2f..", "acme.myshopify.com.evil.example"} {
		webtest.IsProblem(t, s.API(http.MethodPost, "/api/v1/shops/"+shop+"/pause", nil), http.StatusNotFound)
	}
}

func TestShop_PausedByConfigurationStaysPaused(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Engine.Store(webtest.Acme).Config.Paused = true
	got := webtest.Conforms(t, s.API(http.MethodPost, "/api/v1/shops/"+webtest.Acme+"/resume", nil), shopSchema)
	assert.Equal(t, []any{true, "configuration"}, []any{got["paused"], got["paused_by"]})
}

func TestStats_AddUp(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	held := webtest.SomeCart()
	held.State, held.Reason, held.WakeAt, held.Arm = cart.Stopped, cart.Holdout, nil, cart.ArmHoldout
	old := webtest.BoughtCart()
	old.CreatedAt = webtest.Now.AddDate(0, 0, -40)
	lost := webtest.BoughtCart()
	lost.State, lost.Reason, lost.Order, lost.Attribution = cart.Stopped, cart.Exhausted, nil, ""
	lost.Calls[0].Outcome, lost.Calls[0].AnsweredAt = cart.NoAnswer, nil
	bought := webtest.BoughtCart()
	bought.Order.CashOnDelivery = true
	bought.Order.AddRefunds(cart.Refund{ID: "1", Amount: cart.Amount{Value: decimal.NewFromInt(8)}})
	bought.Order.Settle()
	s.Seed(held, old, lost, bought, webtest.SomeCart())

	got := webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/stats", nil), statsSchema)
	assert.Equal(t, []any{nil, "2026-10-22T09:00:00Z", "2026-11-21T09:00:00Z"}, []any{got["shop"], got["from"], got["to"]})
	assert.Equal(t, numbers(map[string]int{"watching": 0, "waiting": 1, "ready": 0, "calling": 0, "purchased": 1, "stopped": 2}), got["carts"])
	assert.Equal(t, numbers(map[string]int{"delay": 1, "ordered": 1, "holdout": 1, "exhausted": 1}), got["reasons"])
	assert.InDelta(t, 3, got["calls"], 0, "calls count by their own time")
	assert.InDelta(t, 2, got["answered"], 0)
	sum := func(more map[string]any) map[string]any {
		all := map[string]any{"count": 1.0, "gross": "108.00", "refunded": "8.00", "cancelled": "0.00", "net": "100.00"}
		maps.Copy(all, more)
		return all
	}
	assert.Equal(t, []any{sum(map[string]any{
		"attribution": "call", "currency": "USD", "revenue": "108.00", "cash_on_delivery": sum(nil),
	})}, got["purchases"])
	assert.Equal(t, []any{
		map[string]any{
			"arm": "call", "carts": 2.0, "purchased": 1.0, "cancelled": 0.0, "conversion": 0.5,
			"amounts": []any{sum(map[string]any{"currency": "USD", "net_per_cart": "50.00"})},
		},
		map[string]any{
			"arm": "holdout", "carts": 1.0, "purchased": 0.0, "cancelled": 0.0, "conversion": 0.0, "amounts": []any{},
		},
	}, got["arms"])

	assert.Equal(t, []any{map[string]any{"reason": "shipping_cost", "calls": 3.0, "share": 1.0}}, got["abandon_reasons"])
	assert.Equal(t, numbers(map[string]int{"offered": 3, "mentioned": 3, "accepted": 0, "unmentioned": 0}), got["offers"])

	got = webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/stats?shop="+webtest.Acme+"&from=2026-11-21&to=2026-11-21", nil), statsSchema)
	assert.Equal(t, []any{webtest.Acme, "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"}, []any{got["shop"], got["from"], got["to"]}, "a day as the end is a whole day")
	assert.Equal(t, []any{}, got["purchases"])
	got = webtest.Conforms(t, s.API(http.MethodGet, "/api/v1/stats?from=2026-10-01T00:00:00%2B05:30&to=2026-10-31T00:00:00Z", nil), statsSchema)
	assert.Equal(t, "2026-09-30T18:30:00Z", got["from"])
	assert.Len(t, got["purchases"], 1)
}

func numbers(counts map[string]int) map[string]any {
	all := map[string]any{}
	for k, n := range counts {
		all[k] = float64(n)
	}
	return all
}

// An answer to a failure of the database reveals nothing about the database.
func TestAPI_InternalErrorRevealsNothing(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Pool.Close()
	a := s.API(http.MethodGet, "/api/v1/carts", nil)
	webtest.IsProblem(t, a, http.StatusInternalServerError)
	assert.NotContains(t, a.Text(), "pool")
	require.NotEmpty(t, a.Header.Get("X-Request-Id"))
	assert.Contains(t, s.Log.String(), a.Header.Get("X-Request-Id"))
}

func TestAPI_AnswersAreDeterministic(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Seed(webtest.BoughtCart(), webtest.SomeCart())
	for _, path := range []string{"/api/v1/carts", "/api/v1/calls", "/api/v1/stats"} {
		first := s.API(http.MethodGet, path, nil)
		assert.True(t, json.Valid(first.Content))
		for range 3 {
			assert.Equal(t, first.Text(), s.API(http.MethodGet, path, nil).Text())
		}
	}
}
