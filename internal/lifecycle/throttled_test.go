package lifecycle_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/lifecycle"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readyStory is a cart that is ready, and since when.
func readyStory(t *testing.T) (*story, time.Time) {
	t.Helper()
	s := newStory(t)
	s.does(s.checkout())
	for s.cart.State == cart.Waiting {
		s.wakes()
	}
	require.Equal(t, cart.Ready, s.cart.State)
	return s, *s.cart.ReadyAt
}

func TestPlaceThrottled_CartKeepsItsPlaceAndItsAttempt(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]func(*story) uuid.UUID{
		"the request was answered so": (*story).sends,
		"no request was sent": func(s *story) uuid.UUID {
			id := uuid.Must(uuid.NewV7())
			s.does(cart.LineFree{CallID: id})
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, since := readyStory(t)
			for range 3 {
				s.passes(time.Minute)
				id := asked(s)
				effects := s.does(cart.PlaceThrottled{CallID: id})
				assert.True(t, has[lifecycle.Fill](effects), "the line is free")
				assert.False(t, has[lifecycle.CallSettled](effects), "it says nothing about the shop's calls")
				assert.False(t, has[lifecycle.Wake](effects))
				assert.Equal(t, cart.Ready, s.cart.State)
				assert.Equal(t, cart.Due, s.cart.Reason)
				assert.Equal(t, since, *s.cart.ReadyAt)
				assert.Equal(t, cart.Rejected, s.cart.Call(id).State)
				assert.Empty(t, s.cart.Call(id).Error)
				assert.Zero(t, s.cart.Attempts)
			}
			assert.Equal(t, 1, s.cart.Call(s.calls()).Attempt)
		})
	}
}

func TestPlaceThrottled_ChangesNoCallThatIsPlaced(t *testing.T) {
	t.Parallel()
	s, _ := readyStory(t)
	id := s.calls()
	assert.Empty(t, s.does(cart.PlaceThrottled{CallID: id}))
	assert.Equal(t, cart.Placed, s.cart.Call(id).State)
}

func TestPlaceThrottled_DoesNotReviveACartThatStopped(t *testing.T) {
	t.Parallel()
	s, _ := readyStory(t)
	id := s.sends()
	s.does(cart.OperatorCancelled{})
	s.does(cart.PlaceThrottled{CallID: id})
	assert.Equal(t, cart.Stopped, s.cart.State)
	assert.Equal(t, cart.Rejected, s.cart.Call(id).State)
}
