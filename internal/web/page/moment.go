package page

import (
	"time"

	"ringback/internal/wording"
)

// Moment is an instant as a page shows it: by a store's clock, with UTC beside it.
type Moment struct {
	at   time.Time
	zone *time.Location
	now  time.Time
}

// machine is the instant for the datetime attribute.
func (m Moment) machine() string { return m.at.UTC().Format(time.RFC3339) }

// utc is the instant in UTC for the title.
func (m Moment) utc() string { return m.at.UTC().Format(wording.UTCLayout) }

// Local is the instant by the store's clock, as short as its distance from now allows.
func (m Moment) Local() string { return wording.Moment(m.at, m.now, m.zone) }

// Distance is how long ago or how far ahead the instant is.
func (m Moment) Distance() string { return wording.Distance(m.at, m.now) }
