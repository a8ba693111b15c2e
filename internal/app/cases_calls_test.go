package app_test

import (
	"strings"
	"testing"
	"time"

	"ringback/internal/sim/simvoice"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An insight counts in whatever shape the agent's analysis gives it. These calls run into their time limit, so that
// without the insight they would be made again.
func TestCases_InsightsInEveryShape(t *testing.T) {
	t.Parallel()
	const again = "attempts: {max: 2}"
	says := func(insights map[string]any) simvoice.Behaviour {
		return simvoice.Behaviour{Dials: []simvoice.Ending{simvoice.TimesOut}, Insights: insights}
	}
	ends := func(name, insight string, value any, reason string) play {
		number := "+9198" + digits("insight "+name)
		return play{name: name, policy: again, act: func(s *stage) {
			s.does(number, says(map[string]any{insight: value}))
			s.leaves("spoken", fields{"phone": number, "email": digits(name) + "@spoke.example"})
			c := s.called("spoken", number)
			s.is("spoken", "stopped", reason)
			s.passes()
			require.Len(s.t, s.numbers(c), 1)
			if reason == "opted_out" {
				s.leaves("next", fields{"phone": number, "email": "other-" + digits(name) + "@spoke.example"})
				s.spared("next")
			}
		}}
	}
	goesOn := func(name string, value any) play {
		number := "+9198" + digits("insight "+name)
		return play{name: name, policy: again, act: func(s *stage) {
			s.does(number, says(map[string]any{"do_not_call": value, "not_interested": value}))
			s.leaves("spoken", fields{"phone": number})
			c := s.waits("spoken", "called twice", func(c seen) bool { return len(c.Calls) == 2 })
			assert.NotEqual(s.t, "opted_out", c.Reason)
		}}
	}
	// unclear values stop further calls and are shown.
	unclear := func(name, insight string, value any) play {
		number := "+9198" + digits("insight "+name)
		return play{name: name, policy: again, act: func(s *stage) {
			s.does(number, says(map[string]any{insight: value}))
			s.leaves("spoken", fields{"phone": number})
			s.called("spoken", number)
			s.is("spoken", "stopped", "unclear_answer")
			s.passes()
			require.Len(s.t, s.numbers(s.is("spoken", "stopped", "unclear_answer")), 1)
		}}
	}
	runPlays(t, []play{
		ends("a sentence that begins with yes", "do_not_call", "Yes, she asked us to leave her in peace.", "opted_out"),
		ends("a sentence in small letters", "do_not_call", "yes - never again please", "opted_out"),
		ends("true as a text", "do_not_call", " TRUE ", "opted_out"),
		ends("a list", "do_not_call", []any{"Yes, no more calls."}, "opted_out"),
		ends("an object with a value", "do_not_call", map[string]any{"value": true, "reason": "is annoyed"}, "opted_out"),
		ends("an object with an answer", "do_not_call", map[string]any{"answer": "Yes", "confidence": 0.9}, "opted_out"),
		ends("yes and no", "do_not_call", []any{true, false}, "opted_out"),
		ends("a number", "do_not_call", 1, "opted_out"),
		ends("not interested in a sentence", "not_interested", "Yes, bought it elsewhere.", "declined"),
		ends("not interested in a list", "not_interested", []any{true}, "declined"),
		ends("not interested in an object", "not_interested", map[string]any{"value": "yes"}, "declined"),
		goesOn("no", false),
		goesOn("no in a sentence", "No, the customer would like to hear from us."),
		goesOn("nothing", nil),
		goesOn("an empty text", ""),
		goesOn("no in a list", []any{"no"}),
		goesOn("no in an object", map[string]any{"value": false}),
		unclear("neither yes nor no", "do_not_call", "Hard to say, the line was bad."),
		unclear("an object of its own", "do_not_call", map[string]any{"mood": "angry"}),
		unclear("unclear whether interested", "not_interested", "perhaps next month"),
		unclear("a wish that begins with no", "do_not_call", "No more calls please."),
		unclear("a wish that begins with never", "do_not_call", []any{"Never call me again."}),
	})
}

// A customer who asks to be called later says so in many ways; each is read by the customer's clock.
func TestCases_CallbackTimesAsAgentsWriteThem(t *testing.T) {
	t.Parallel()
	kolkata := time.FixedZone("IST", 19_800)
	tomorrow := time.Now().In(kolkata).AddDate(0, 0, 1)
	clock := func(hour, minute int) time.Time {
		return time.Date(tomorrow.Year(), tomorrow.Month(), tomorrow.Day(), hour, minute, 0, 0, kolkata)
	}
	asks := func(name, text string, from, to time.Time) play {
		number := "+9198" + digits("callback "+name)
		return play{name: name, policy: "attempts: {max: 3}", act: func(s *stage) {
			s.does(number, simvoice.Behaviour{Insights: map[string]any{"callback_requested": true, "callback_at": text}})
			s.leaves("later", fields{"phone": number})
			s.called("later", number)
			c := s.is("later", "waiting", "callback")
			require.NotNil(s.t, c.WakeAt)
			assert.False(s.t, c.WakeAt.Before(from.Add(-time.Minute)) || c.WakeAt.After(to.Add(time.Minute)),
				"%q is at %s, which is not between %s and %s", text, c.WakeAt.In(kolkata), from, to)
		}}
	}
	sharp := func(name, text string, at time.Time) play { return asks(name, text, at, at) }
	day := clock(0, 0).Format("2006-01-02")
	unread := func(name, text string) play {
		number := "+9198" + digits("callback "+name)
		return play{name: name, policy: "attempts: {max: 3}", act: func(s *stage) {
			s.does(number, simvoice.Behaviour{Insights: map[string]any{"callback_requested": true, "callback_at": text}})
			s.leaves("later", fields{"phone": number})
			s.called("later", number)
			c := s.is("later", "waiting", "callback")
			require.NotNil(s.t, c.WakeAt)
			assert.True(s.t, c.WakeAt.After(time.Now().Add(time.Hour)), "the default is not at once: %s", c.WakeAt)
			noted := false
			for _, e := range c.Ledger {
				for _, step := range e.Trace {
					noted = noted || strings.Contains(step.Rule, "callback") && strings.Contains(step.Saw, "read")
				}
			}
			assert.True(s.t, noted, "the ledger says that the time could not be read: %s", c)
		}}
	}
	now := time.Now()
	runPlays(t, []play{
		sharp("a local time with the mark of UTC", day+"T17:00:00Z", clock(17, 0)),
		sharp("a local time with fractions and the mark of UTC", day+"T16:30:00.000Z", clock(16, 30)),
		sharp("a time with a zone's letters", day+" 17:00 IST", clock(17, 0)),
		sharp("a time with an offset without a colon", day+"T17:15+0530", clock(17, 15)),
		sharp("a time with an offset", day+"T17:20:00+05:30", clock(17, 20)),
		sharp("a day in words", clock(0, 0).Format("2 Jan 2006")+", 5 PM", clock(17, 0)),
		sharp("a month in full", clock(0, 0).Format("January 2, 2006")+" at 5:30 pm", clock(17, 30)),
		sharp("tomorrow at a time", "tomorrow at 4 pm", clock(16, 0)),
		asks("in some hours", "in 2 hours", now.Add(2*time.Hour), now.Add(2*time.Hour+3*time.Minute)),
		asks("in some minutes", "in 45 minutes", now.Add(45*time.Minute), now.Add(48*time.Minute)),
		asks("after half an hour", "after 30 mins", now.Add(30*time.Minute), now.Add(33*time.Minute)),
		asks("tomorrow evening", "tomorrow evening", clock(16, 0), clock(21, 0)),
		asks("tomorrow morning", "tomorrow morning", clock(8, 0), clock(12, 0)),
		unread("whenever", "whenever suits you"),
		unread("after the match", "once the match is over"),
	})
}
