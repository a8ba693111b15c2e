package shopify_test

import (
	"net/http"
	"strings"
	"testing"

	"ringback/internal/shopify"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSubscriptionsAreMadeAndRepaired(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client(t)
	topics := shopify.SubscribedTopics()
	want := map[string]string{}
	for _, topic := range topics {
		want[topic] = hook
	}

	repair, err := client.Ensure(soon(t), hook, topics)
	require.NoError(t, err)
	assert.Equal(t, topics, repair.Created)
	assert.Empty(t, repair.Removed)
	assert.Equal(t, want, w.shop.Subscriptions())

	repair, err = client.Ensure(soon(t), hook, topics)
	require.NoError(t, err)
	assert.False(t, repair.Any(), "nothing drifted")

	w.shop.DropSubscription(shopify.CheckoutsUpdate)
	w.shop.Subscribe(shopify.OrdersCreate, "https://old.example.com/webhooks/shopify")
	w.shop.Subscribe(shopify.OrdersCreate, hook)
	w.shop.Subscribe(shopify.OrdersUpdated, hook)
	repair, err = client.Ensure(soon(t), hook, topics)
	require.NoError(t, err)
	assert.Equal(t, []string{shopify.CheckoutsUpdate}, repair.Created)
	assert.ElementsMatch(t, []string{shopify.OrdersCreate, shopify.OrdersCreate, shopify.OrdersUpdated}, repair.Removed)
	assert.Equal(t, want, w.shop.Subscriptions())

	const moved = "https://new.example.com/webhooks/shopify"
	repair, err = client.Ensure(soon(t), moved, topics)
	require.NoError(t, err)
	assert.Len(t, repair.Created, len(topics))
	assert.Len(t, repair.Removed, len(topics))
	for _, uri := range w.shop.Subscriptions() {
		assert.Equal(t, moved, uri)
	}
}

func TestManySubscriptionsArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for range 150 {
		w.shop.Subscribe(shopify.OrdersCreate, "https://old.example.com")
	}
	all, err := w.client(t).Subscriptions(soon(t))
	require.NoError(t, err)
	require.Len(t, all, 150)
	assert.Equal(t, shopify.OrdersCreate, all[0].Topic)
	assert.Equal(t, "JSON", all[0].Format)
}

func TestWhatCannotBeReplacedStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.shop.Subscribe(shopify.OrdersCreate, "https://old.example.com")
	_, err := w.client(t).Ensure(soon(t), "http://not-https.example.com", []string{shopify.OrdersCreate, shopify.OrdersPaid})
	require.ErrorContains(t, err, "topic orders/create")
	require.ErrorContains(t, err, "topic orders/paid", "one failure does not hide the next")
	require.ErrorContains(t, err, "webhookSubscription.uri")
	var refused *shopify.UserError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, map[string]string{shopify.OrdersCreate: "https://old.example.com"}, w.shop.Subscriptions())
}

func TestUnsubscribingTwiceIsNoError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	client := w.client(t)
	s, err := client.Subscribe(soon(t), shopify.OrdersCreate, hook)
	require.NoError(t, err)
	assert.Equal(t, shopify.OrdersCreate, s.Topic)
	require.NoError(t, client.Unsubscribe(soon(t), s.GID))
	require.NoError(t, client.Unsubscribe(soon(t), s.GID))
	assert.Empty(t, w.shop.Subscriptions())
}

func TestAListThatIsDeniedIsNotAnEmptyOne(t *testing.T) {
	t.Parallel()
	client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = strings.NewReader(`{"data":{"webhookSubscriptions":null},"errors":[{"message":"no","extensions":{"code":"ACCESS_DENIED"}}]}`).WriteTo(w)
	})
	_, err := client.Ensure(soon(t), hook, shopify.SubscribedTopics())
	require.ErrorIs(t, err, shopify.ErrDenied)
}
