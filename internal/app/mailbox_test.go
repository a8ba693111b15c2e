package app_test

import (
	"net/http"
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMailbox_IsAnAttemptAndNoConversation(t *testing.T) {
	t.Parallel()
	behaviours := map[string]simvoice.Behaviour{
		"told": simvoice.Mailbox(), "inferred": simvoice.QuietMailbox(), "screened": simvoice.Screened(),
		"hung up": simvoice.HangsUp(),
	}
	byPhone := map[string]simvoice.Behaviour{}
	for name, b := range behaviours {
		byPhone[phone(name)] = b
	}
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) { o.Script = simvoice.ByPhone(byPhone) },
		store: func(s *config.Store) {
			s.Policy.Attempts.Max, s.Policy.Attempts.Spacing.Voicemail = 2, time.Second
		},
	})
	for name := range behaviours {
		w.took(shopify.CheckoutsCreate, checkout(name))
	}
	for name := range behaviours {
		want := cart.Voicemail
		if name == "hung up" {
			want = cart.NoAnswer
		}
		c := w.comes(name, cart.Stopped)
		assert.Equal(t, cart.Exhausted, c.Reason, name)
		require.Len(t, c.Calls, 2, "%s: a second attempt follows", name)
		for _, call := range c.Calls {
			assert.Equal(t, want, call.Outcome, name)
			assert.False(t, call.Answered(), name)
		}
		w.took(shopify.OrdersCreate, order(name))
		assert.Equal(t, cart.Organic, w.comes(name, cart.Purchased).Attribution, name)
	}
	_, stats := w.api(http.MethodGet, "/api/v1/stats?shop="+acme, nil)
	assert.EqualValues(t, 8, stats["calls"])
	assert.EqualValues(t, 0, stats["answered"])
	outcomes := stats["outcomes"].(map[string]any)
	assert.EqualValues(t, 6, outcomes["voicemail"])
	assert.EqualValues(t, 2, outcomes["no_answer"])
	assert.Equal(t, "6", w.metric(`ringback_calls_total{outcome="voicemail",shop="`+acme+`"}`))
}

func TestMailbox_LateAnalysisCorrectsBothWays(t *testing.T) {
	t.Parallel()
	const soon = 3 * time.Minute
	w := newWorld(t, setup{
		voice: func(o *simvoice.Options) {
			o.Script = func(order simvoice.Order) simvoice.Behaviour {
				switch {
				case order.Nth > 1:
					return simvoice.Behaviour{Insights: map[string]any{"interested": true}}
				case order.Phone == phone("mailbox"):
					return simvoice.MailboxToldLate(soon)
				}
				return simvoice.PersonToldLate(soon)
			}
		},
		store: func(s *config.Store) { s.Policy.Attempts.Spacing.Voicemail = 10 * time.Second },
	})
	w.took(shopify.CheckoutsCreate, checkout("mailbox"))
	w.took(shopify.CheckoutsCreate, checkout("person"))
	w.eventually("a conversation that was a mailbox leads to a second call", func() bool {
		c := w.cart("mailbox")
		return c != nil && len(c.Calls) == 2 && c.Calls[1].State == cart.Closed
	})
	c := w.comes("mailbox", cart.Stopped)
	assert.Equal(t, cart.Reached, c.Reason)
	assert.Equal(t, cart.Voicemail, c.Calls[0].Outcome)
	assert.Equal(t, cart.Completed, c.Calls[1].Outcome)

	c = w.comes("person", cart.Stopped)
	assert.Equal(t, cart.Reached, c.Reason)
	require.Len(t, c.Calls, 1, "the customer was spoken to")
	assert.Equal(t, cart.Completed, c.Calls[0].Outcome)
	assert.True(t, c.Calls[0].Answered())
	w.took(shopify.OrdersCreate, order("person"))
	assert.Equal(t, cart.ByCall, w.comes("person", cart.Purchased).Attribution)
}
