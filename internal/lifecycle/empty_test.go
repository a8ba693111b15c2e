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

func emptied(c *cart.Checkout) { c.Items = nil }
func test(c *cart.Checkout)    { c.Test = true }

func TestCheckoutSeen_IdleCartIsWatchedUntilSomebodyShopsAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*cart.Checkout)
		reason cart.Reason
	}{
		"emptied":         {emptied, cart.EmptyCart},
		"no pieces":       {func(c *cart.Checkout) { c.Items[0].Quantity = 0 }, cart.EmptyCart},
		"a test":          {test, cart.Test},
		"an emptied test": {func(c *cart.Checkout) { emptied(c); test(c) }, cart.Test},
		"two lines of none": {func(c *cart.Checkout) { c.Items = []cart.Item{{Title: "Kurta"}, {Title: "Scarf"}} },
			cart.EmptyCart},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, first := range []bool{true, false} {
				s := newStory(t)
				if !first {
					s.does(s.checkout())
					require.Equal(t, cart.Waiting, s.cart.State)
					s.passes(time.Minute)
				}
				effects := s.does(s.checkout(c.change))
				assert.Equal(t, cart.Watching, s.cart.State)
				assert.Equal(t, c.reason, s.cart.Reason)
				assert.Nil(t, s.cart.WakeAt)
				assert.NotContains(t, effects, lifecycle.SupersedeOlder{}, "an idle cart takes no other one's place")

				s.passes(time.Minute)
				s.does(cart.NewerCart{})
				assert.Equal(t, cart.Watching, s.cart.State, "it is not stopped for good")

				s.passes(time.Minute)
				effects = s.does(s.checkout())
				assert.Equal(t, cart.Waiting, s.cart.State)
				assert.Contains(t, effects, lifecycle.SupersedeOlder{}, "now it is the newer one")
			}
		})
	}
}

func TestSendBegun_IdleCartIsNotCalled(t *testing.T) {
	t.Parallel()
	for reason, change := range map[cart.Reason]func(*cart.Checkout){cart.EmptyCart: emptied, cart.Test: test} {
		s := newStory(t)
		s.does(s.checkout())
		for s.cart.State == cart.Waiting {
			s.wakes()
		}
		id := uuid.Must(uuid.NewV7())
		s.does(cart.LineFree{CallID: id})
		change(&s.cart.Checkout)
		effects := s.does(cart.SendBegun{CallID: id})
		assert.NotContains(t, effects, lifecycle.Send{CallID: id})
		assert.Equal(t, cart.Watching, s.cart.State)
		assert.Equal(t, reason, s.cart.Reason)
		assert.Equal(t, cart.Rejected, s.cart.Call(id).State)
	}
}

func TestCheckoutSeen_EmptiedCartAbortsTheQueuedCall(t *testing.T) {
	t.Parallel()
	for reason, change := range map[cart.Reason]func(*cart.Checkout){cart.EmptyCart: emptied, cart.Test: test} {
		s := newStory(t)
		s.does(s.checkout())
		id := s.calls()
		s.passes(time.Second)
		effects := s.does(s.checkout(change))
		assert.Contains(t, effects, lifecycle.Abort{CallID: id})
		assert.Equal(t, reason, s.cart.Call(id).AbortReason)
		s.does(cart.AbortAnswered{CallID: id, Accepted: true})
		assert.Equal(t, cart.Watching, s.cart.State)
		assert.Equal(t, reason, s.cart.Reason)
	}
}

func TestCheckoutSeen_ArchivedCheckoutIsStopped(t *testing.T) {
	t.Parallel()
	archived := func(s *story) func(*cart.Checkout) {
		return func(c *cart.Checkout) {
			at := s.now
			c.ClosedAt = &at
		}
	}
	s := newStory(t)
	s.does(s.checkout(archived(s)))
	assert.Equal(t, cart.Stopped, s.cart.State, "the first word of it")
	assert.Equal(t, cart.Deleted, s.cart.Reason)

	s = newStory(t)
	s.does(s.checkout())
	s.passes(time.Minute)
	s.does(s.checkout(archived(s)))
	assert.Equal(t, cart.Stopped, s.cart.State, "while it waits")

	s = newStory(t)
	s.does(s.checkout())
	id := s.calls()
	s.passes(time.Second)
	assert.Contains(t, s.does(s.checkout(archived(s))), lifecycle.Abort{CallID: id}, "while its call is queued")
	assert.Equal(t, cart.Stopped, s.cart.State)

	s = newStory(t)
	s.does(s.checkout(archived(s), func(c *cart.Checkout) { c.CompletedAt = c.ClosedAt }))
	assert.Equal(t, cart.Purchased, s.cart.State, "a purchase counts for more")
}

func TestCheckoutSeen_StoredVersionDatedAheadBlocksNoUpdate(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		s := newStory(t)
		s.does(s.checkout(func(c *cart.Checkout) { c.UpdatedAt = s.now.Add(ahead) }))
		s.passes(time.Second)
		s.does(s.checkout(emptied))
		assert.Equal(t, cart.EmptyCart, s.cart.Reason)
		s.passes(time.Second)
		s.does(s.checkout())
		assert.Equal(t, cart.Waiting, s.cart.State)
	}
}
