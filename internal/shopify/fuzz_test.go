package shopify

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func seed(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte(`{"token":"x","total_price":"1e999999999","line_items":[[],{},"x",{"title":"t","quantity":-1}]}`))
	f.Add([]byte(`{"token":"x","updated_at":"9999-99-99","completed_at":{}}`))
	f.Add([]byte(`{"id":1e400,"checkout_token":{},"customer":[[[[]]]]}`))
}

// storable fails when v cannot be kept: as JSON without loss, or as text in Postgres.
func storable[T any](t *testing.T, v T) {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	assert.True(t, utf8.Valid(b))
	assert.NotContains(t, strings.ReplaceAll(string(b), `\\`, ""), `\u0000`)
	var again T
	require.NoError(t, json.Unmarshal(b, &again))
	b2, err := json.Marshal(again)
	require.NoError(t, err)
	assert.JSONEq(t, string(b), string(b2))
	assert.Less(t, len(b), 64<<20)
}

func FuzzDecodeCheckout(f *testing.F) {
	seed(f)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := DecodeCheckout(body, Delivery{TriggeredAt: at})
		if err != nil {
			return
		}
		assert.True(t, json.Valid(body))
		assert.NotEmpty(t, c.Token)
		assert.False(t, c.UpdatedAt.IsZero())
		assert.Equal(t, time.UTC, c.UpdatedAt.Location())
		for _, p := range c.Phones {
			assert.NotEmpty(t, p.Number)
		}
		for _, i := range c.Items {
			assert.GreaterOrEqual(t, i.Quantity, 0)
		}
		assert.Empty(t, strings.Trim(c.ID, "0123456789"))
		storable(t, c)
	})
}

// Whatever encoding/json would read, read reads alike.
func FuzzRead(f *testing.F) {
	seed(f)
	f.Add([]byte(`{"ID":1,"Id":2,"id":null,"\u0069d":3,"tOKEN":"a\ud83d\ude00","token":{"phone":"\ufffd"},` +
		`"line_items":[{"TITLE":"a","price":"1e2"},[],null,7],"a":{"b":[{}]}}`))
	f.Add([]byte(`{"shipping_address":[{"city":"x"}],"customer":{"ID":"gid://shopify/Customer/5",` +
		`"default_address":{"zip":1}},"discount_codes":{"code":{"discount_code":"A,B"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		body = bytes.TrimSpace(body)
		if len(body) == 0 || !json.Valid(body) {
			return
		}
		likeJSON[checkoutPayload](t, body)
		likeJSON[orderPayload](t, body)
		likeJSON[customerPayload](t, body)
		likeJSON[addressPayload](t, body)
		likeJSON[itemPayload](t, body)
		likeJSON[[]object[addressPayload]](t, body)
	})
}

func likeJSON[T any](t *testing.T, body []byte) {
	t.Helper()
	var want, got T
	lenient(body, &want)
	read(body, &got)
	assert.Equal(t, want, got)
}

func FuzzDecodeOrder(f *testing.F) {
	seed(f)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := DecodeOrder(body, Delivery{TriggeredAt: at})
		if err != nil {
			return
		}
		assert.NotEmpty(t, o.ID)
		assert.False(t, o.CreatedAt.IsZero())
		storable(t, o)
	})
}

func FuzzDecodeOthers(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		if ref, err := DecodeDeletedCheckout(body); err == nil {
			assert.True(t, ref.Known())
		}
		if c, err := DecodeCompliance(body); err == nil {
			assert.True(t, c.ShopDomain == "" || ValidShop(c.ShopDomain))
			storable(t, c)
		}
		if c, err := DecodeCustomerConsent(body, Delivery{}); err == nil {
			assert.NotEmpty(t, c.CustomerID+c.Email+c.Phone)
			storable(t, c)
		}
		if parts, err := SplitCheckouts(body); err == nil {
			for _, p := range parts {
				assert.True(t, json.Valid(p))
			}
		}
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"data":{"nodes":[{"id":"gid://shopify/AbandonedCheckout/5","name":"#5","abandonedCheckoutUrl":"https://x/checkouts/ac/c/recover","totalPriceSet":{"shopMoney":{"amount":"1.5","currencyCode":"INR"}},"customer":{"id":"gid://shopify/Customer/1","defaultPhoneNumber":{"phoneNumber":"+1","marketingState":"SUBSCRIBED"}},"lineItems":{"nodes":[null,{"title":"x","quantity":"2"}]}}],"pageInfo":{"hasNextPage":true,"endCursor":"c"}},"errors":[{"path":["a",1],"extensions":{"code":"X"}}],"extensions":{"cost":{"requestedQueryCost":3,"throttleStatus":{"maximumAvailable":1000.0,"currentlyAvailable":1,"restoreRate":1e999}}}}`))
	f.Add([]byte(`{"data":[],"errors":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var a answer
		if decodeObject(body, &a) != nil {
			return
		}
		var b bucket
		b.learn(operation{name: "x"}, a.Extensions.value.Cost.value)
		assert.GreaterOrEqual(t, b.delay(operation{name: "x", background: true}), time.Duration(0))
		var checkouts connection[gqlCheckout]
		if _, err := a.into(operation{name: "x"}, 200, 0, &checkouts); err != nil {
			return
		}
		for _, c := range pageOf(checkouts, nil, gqlCheckout.checkout).Items {
			assert.NotEmpty(t, c.ID)
			storable(t, c)
			storable(t, Merge(c, c))
		}
		var orders connection[gqlOrder]
		_, err := a.into(operation{name: "x"}, 200, 0, &orders)
		require.NoError(t, err)
		for _, o := range pageOf(orders, nil, gqlOrder.order).Items {
			assert.NotEmpty(t, o.ID)
			storable(t, o)
		}
	})
}

func FuzzDecodeRefund(f *testing.F) {
	seed(f)
	f.Add([]byte(`{"id":1,"order_id":2,"transactions":[{"kind":"refund","amount":"1e30","currency":"INR"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := DecodeRefund(body)
		if err != nil {
			return
		}
		assert.NotEmpty(t, r.ID)
		assert.NotEmpty(t, r.OrderID)
		assert.False(t, r.Value.IsNegative())
		storable(t, r)
	})
}
