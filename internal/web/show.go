package web

import (
	"time"

	"ringback/internal/wording"
)

// moment is an instant as a page shows it: in a store's zone, with UTC beside it.
type moment struct {
	at   time.Time
	zone *time.Location
	now  time.Time
}

// machine is the instant for the datetime attribute.
func (m moment) machine() string { return m.at.UTC().Format(time.RFC3339) }

// utc is the instant in UTC for the title.
func (m moment) utc() string { return m.at.UTC().Format(wording.UTCLayout) }

// local is the instant by the store's clock, as short as its distance from now allows.
func (m moment) local() string { return wording.Moment(m.at, m.now, m.zone) }

// distance is how long ago or how far ahead the instant is.
func (m moment) distance() string { return wording.Distance(m.at, m.now) }
