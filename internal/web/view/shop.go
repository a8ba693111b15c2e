package view

import (
	"time"

	"ringback/internal/engine"
	"ringback/internal/postgres"
)

// Standing says whether calls are made for a shop.
type Standing struct {
	// Says is one phrase, Tone the class of its colour.
	Says, Tone string
	// Halted is true when no calls are made.
	Halted bool
}

// StandingOf is the standing of a shop; store is nil for one that is not configured.
func StandingOf(shop postgres.Shop, store *engine.Store, now time.Time) Standing {
	state := shop.State(now)
	switch {
	case store == nil:
		return Standing{"Not configured", "tone-still", true}
	case state.Uninstalled:
		return Standing{"App removed", "tone-bad", true}
	case store.Config.Paused:
		return Standing{"Paused in the configuration", "tone-wait", true}
	case state.Paused:
		return Standing{"Paused", "tone-wait", true}
	case state.Breaker:
		return Standing{"Auto-paused", "tone-bad", true}
	case shop.AccessLostAt != nil:
		// Webhooks still arrive and calls are made, but Shopify answers no questions.
		return Standing{"Needs reinstall", "tone-bad", false}
	}
	return Standing{"Active", "tone-good", false}
}
