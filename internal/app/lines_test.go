package app_test

import (
	"testing"
	"time"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/shopify"
	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
)

func TestLine_IsFreeBeforeTheAnalysisIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{
		store: func(s *config.Store) { s.Voice.Lines = 1 },
		voice: func(o *simvoice.Options) { o.Lines, o.Timing.Analyse = 1, 1000*time.Hour },
	})
	for _, tok := range []string{"first", "second", "third"} {
		w.took(shopify.CheckoutsCreate, checkout(tok))
	}
	w.eventually("all are called on one line", func() bool { return len(w.voice.Calls()) == 3 })
	w.eventually("all have hung up", func() bool { return w.count(`SELECT count(*) FROM calls WHERE holds_line`) == 0 })
	assert.Equal(t, 1, w.voice.Stats().MostOpen)
	assert.Equal(t, cart.Calling, w.cart("first").State, "its analysis is still to come")
}
