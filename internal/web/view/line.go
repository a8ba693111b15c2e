package view

import (
	"time"

	"ringback/internal/engine"
	"ringback/internal/postgres"
)

// Assistant is a pool of lines and how it is used. Its name leaves out workspaces and addresses: they are the
// account's.
type Assistant struct {
	Provider, Name     string
	Lines, Busy, Ready int
	// RestsUntil is when the provider, which answered 429, is asked again; zero when it is asked now.
	RestsUntil time.Time
}

// Assistants lists the configured assistants in the order of the shops that use them. Two with one name, in two
// workspaces, count as one.
func Assistants(stores []*engine.Store, load postgres.Load) []*Assistant {
	var list []*Assistant
	byName := map[[2]string]*Assistant{}
	seen := map[string]bool{}
	for _, store := range stores {
		voice := store.Config.Voice
		key := voice.AssistantKey()
		if seen[key] {
			continue
		}
		seen[key] = true
		name := [2]string{voice.Provider, voice.Assistant}
		a := byName[name]
		if a == nil {
			a = &Assistant{Provider: voice.Provider, Name: voice.Assistant}
			byName[name] = a
			list = append(list, a)
		}
		a.Lines += voice.Lines
		a.Busy += load.Busy[key]
		a.Ready += load.Ready[key]
		if until := load.Rests[engine.AccountOf(store)]; until.After(a.RestsUntil) {
			a.RestsUntil = until
		}
	}
	return list
}
