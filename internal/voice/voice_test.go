package voice_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"ringback/internal/cart"
	"ringback/internal/voice"
	"ringback/internal/zoneinfo"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestReadTime_ReadsWhatAgentsWrite(t *testing.T) {
	t.Parallel()
	kolkata, err := zoneinfo.Load("Asia/Kolkata")
	require.NoError(t, err)
	// A Wednesday, 15:30 in Kolkata.
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		// Dates and times, with and without a zone. A bare Z is a habit, an offset is meant.
		"2026-03-05T18:30:00+05:30":  "2026-03-05 18:30",
		"2026-03-05T18:30:00+0530":   "2026-03-05 18:30",
		"2026-03-05T18:30+0530":      "2026-03-05 18:30",
		"2026-03-05 18:30:00 +05:30": "2026-03-05 18:30",
		"2026-03-05T13:00:00+00:00":  "2026-03-05 18:30",
		"2026-03-05T08:00:00-05:00":  "2026-03-05 18:30",
		"2026-03-05T18:30:00Z":       "2026-03-05 18:30",
		"2026-03-05t18:30:00z":       "2026-03-05 18:30",
		"2026-03-05T18:30:00.000Z":   "2026-03-05 18:30",
		"2026-03-05T18:30:00":        "2026-03-05 18:30",
		"2026-03-05T18:30":           "2026-03-05 18:30",
		"2026-03-05 18:30":           "2026-03-05 18:30",
		"2026-03-05 18:30 IST":       "2026-03-05 18:30",
		"2026-03-05 13:00 UTC":       "2026-03-05 18:30",
		"2026-03-05 6:30 pm":         "2026-03-05 18:30",
		"2026/03/05 18:30":           "2026-03-05 18:30",
		"25/03/2026 18:30":           "2026-03-25 18:30",
		"25-03-2026 18:30":           "2026-03-25 18:30",
		"03/25/2026 6:30 PM":         "2026-03-25 18:30",
		"2026-03-05":                 "2026-03-05 11:00",
		// Months by name.
		"5 March 2026 18:30":       "2026-03-05 18:30",
		"5 Mar 2026, 6:30 PM":      "2026-03-05 18:30",
		"5th March 2026 at 6 pm":   "2026-03-05 18:00",
		"5th of March, 6 pm":       "2026-03-05 18:00",
		"March 5, 2026 6:30 p.m.":  "2026-03-05 18:30",
		"March 5, 2026 at 6:30 PM": "2026-03-05 18:30",
		"Mar 5 6pm":                "2026-03-05 18:00",
		"27 Nov 2026, 5 PM":        "2026-11-27 17:00",
		"1 Jan, noon":              "2027-01-01 12:00",
		// Times alone: the next one.
		"18:30":              "2026-03-04 18:30",
		"18:30:15":           "2026-03-04 18:30",
		"17:00 IST":          "2026-03-04 17:00",
		"17h30":              "2026-03-04 17:30",
		"1700 hrs":           "2026-03-04 17:00",
		"17:00 hrs":          "2026-03-04 17:00",
		" 6:30   PM ":        "2026-03-04 18:30",
		"6 pm":               "2026-03-04 18:00",
		"6PM.":               "2026-03-04 18:00",
		"10:00":              "2026-03-05 10:00",
		"around 6 pm please": "2026-03-04 18:00",
		"5-6 PM":             "2026-03-04 17:00",
		"between 5 and 6 pm": "2026-03-04 17:00",
		"11 to 1 pm":         "2026-03-05 11:00",
		"5 in the evening":   "2026-03-04 17:00",
		"in the evening":     "2026-03-04 18:00",
		"11 in the morning":  "2026-03-05 11:00",
		// Days by name.
		"today 18:30":               "2026-03-04 18:30",
		"today at 10 am":            "2026-03-04 10:00",
		"tonight":                   "2026-03-04 20:00",
		"this evening":              "2026-03-04 18:00",
		"tomorrow":                  "2026-03-05 11:00",
		"tomorrow, 5pm":             "2026-03-05 17:00",
		"Tomorrow at 5 PM IST":      "2026-03-05 17:00",
		"tomorrow evening":          "2026-03-05 18:00",
		"day after tomorrow, 11 am": "2026-03-06 11:00",
		"the day after tomorrow":    "2026-03-06 11:00",
		"Friday 4 PM":               "2026-03-06 16:00",
		"on monday afternoon":       "2026-03-09 15:00",
		"next Wednesday at 10:30":   "2026-03-11 10:30",
		// Spans from now.
		"in 2 hours":        "2026-03-04 17:30",
		"2 hours later":     "2026-03-04 17:30",
		"after 30 minutes":  "2026-03-04 16:00",
		"in an hour":        "2026-03-04 16:30",
		"half an hour":      "2026-03-04 16:00",
		"in 45 mins":        "2026-03-04 16:15",
		"in 2 days":         "2026-03-06 15:30",
		"in 2 days at 5 pm": "2026-03-06 17:00",
		"in a week":         "2026-03-11 15:30",
	} {
		got, ok := voice.ReadTime(text, kolkata, now)
		require.True(t, ok, text)
		assert.Equal(t, want, got.In(kolkata).Format("2006-01-02 15:04"), text)
		assert.Equal(t, time.UTC, got.Location(), text)
	}
	for _, text := range []string{
		"", "none", "later", "whenever", "soon", "not requested", "25:00", "2028-03-05T18:30:00Z", "1999-01-01 10:00", "5", "5 6", "05/06/2026 10:00",
		"31 February 2026", "10:75", "18 pm pm", "tomorrow 5 pm 6 pm", "5 PM XYZ", "Asha Rao, 9820012345", "in 0 hours", "in 9999 weeks", "Z", "+05:30",
		"2026-13-01 10:00", "\x00\xff", strings.Repeat("tomorrow ", 40),
	} {
		_, ok := voice.ReadTime(text, kolkata, now)
		assert.False(t, ok, text)
	}
}

// An abbreviation that is the customer's own zone's means that one: IST is Israel's too.
func TestReadTime_ReadsAbbreviationsByTheCustomersZone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, text, want string }{
		{"Asia/Jerusalem", "2026-03-05 18:30 IST", "2026-03-05T16:30:00Z"},
		{"Asia/Kolkata", "2026-03-05 18:30 IST", "2026-03-05T13:00:00Z"},
		{"Europe/London", "2026-07-05 18:30 BST", "2026-07-05T17:30:00Z"},
		{"America/New_York", "2026-03-05 18:30 EST", "2026-03-05T23:30:00Z"},
		{"Asia/Dubai", "2026-03-05 18:30 IST", "2026-03-05T13:00:00Z"},
	} {
		zone, err := zoneinfo.Load(c.zone)
		require.NoError(t, err)
		got, ok := voice.ReadTime(c.text, zone, time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC))
		require.True(t, ok, c.text)
		assert.Equal(t, c.want, got.Format(time.RFC3339), "%s in %s", c.text, c.zone)
	}
}

func FuzzReadTime(f *testing.F) {
	for _, seed := range []string{"2026-03-05T18:30:00Z", "tomorrow at 5 PM", "in 2 hours", "5-6 PM", "27 Nov 2026, 5 PM", "17h30 +05:30", "day after"} {
		f.Add(seed)
	}
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := voice.ReadTime(text, time.UTC, now)
		if ok && (at.Before(now.AddDate(-1, 0, 0)) || at.After(now.AddDate(1, 0, 0))) {
			t.Fatalf("%q gave %s", text, at)
		}
	})
}

// A time of day alone is that time on the customer's clock, also on the day when the clocks change.
func TestReadTime_AcrossAClockChange(t *testing.T) {
	t.Parallel()
	berlin, err := zoneinfo.Load("Europe/Berlin")
	require.NoError(t, err)
	eve := time.Date(2026, 3, 28, 20, 0, 0, 0, berlin)
	got, ok := voice.ReadTime("10:00", berlin, eve)
	require.True(t, ok)
	assert.Equal(t, time.Date(2026, 3, 29, 10, 0, 0, 0, berlin).UTC(), got)
}

func TestReportIn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	c := voice.Callback{CallbackText: "18:30"}
	r := c.ReportIn(time.UTC, now)
	require.NotNil(t, r.Insights.CallbackAt)
	assert.True(t, r.Insights.Callback)
	assert.Equal(t, now.Add(8*time.Hour+30*time.Minute), *r.Insights.CallbackAt)
	assert.Nil(t, c.Report.Insights.CallbackAt, "the callback itself is left as it was")

	c.CallbackText = "whenever"
	r = c.ReportIn(time.UTC, now)
	assert.Nil(t, r.Insights.CallbackAt)
	assert.False(t, r.Insights.Callback)
	assert.False(t, r.CallbackUnread, "nobody asked for a callback")
	c.Report.Insights.Callback = true
	assert.True(t, c.ReportIn(time.UTC, now).CallbackUnread)
}

func TestPlain(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a b c", voice.Plain(" a\n b\t\x00c\u202e ", 10))
	assert.Equal(t, "çé", voice.Plain("çéx", 2))
	assert.Equal(t, "ab", voice.Plain("a\xffb", 9))
	rapid.Check(t, func(t *rapid.T) {
		text, limit := rapid.String().Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "limit")
		got := voice.Plain(text, limit)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > limit || strings.ContainsAny(got, "\x00\n\r\t") {
			t.Fatalf("%q", got)
		}
		if again := voice.Plain(got, limit); again != got {
			t.Fatalf("%q became %q", got, again)
		}
	})
}

func TestScrub(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"phone +91 90000-12345 is invalid":                    "phone [number] is invalid",
		`"ann@example.com" must be an email`:                  `"[email]" must be an email`,
		"see https://docs.example.com/x?key=1 for help":       "see [link] for help",
		"payload.customer.firstName must not be Asha or asha": "payload.customer.firstName must not be [private] or [private]",
		"Insufficient credits":                                "Insufficient credits",
		"status 400, line 12":                                 "status 400, line 12",
	}
	for message, want := range tests {
		assert.Equal(t, want, voice.Scrub(message, "Asha", "", "x"))
	}
	assert.LessOrEqual(t, utf8.RuneCountInString(voice.Scrub(strings.Repeat("word ", 1000))), 300)
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-zA-Z0-9+@. ]{3,20}`).Draw(t, "word")
		message := rapid.StringMatching(`[a-z ]{0,20}`).Draw(t, "before") + word + rapid.StringMatching(`[a-z ]{0,20}`).Draw(t, "after")
		if strings.Contains("[private] [number] [email] [link]", word) {
			return
		}
		if got := voice.Scrub(message, word); strings.Contains(got, word) {
			t.Fatalf("%q still shows %q", got, word)
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		checkout    cart.Checkout
		first, last string
	}{
		"nobody":            {},
		"the customer":      {cart.Checkout{Customer: cart.Customer{FirstName: " Asha\n", LastName: "Rao"}, Shipping: &cart.Address{FirstName: "Ravi"}}, "Asha", "Rao"},
		"shipping":          {cart.Checkout{Customer: cart.Customer{LastName: "Rao"}, Shipping: &cart.Address{FirstName: "Ravi", LastName: "Iyer"}}, "Ravi", "Iyer"},
		"billing":           {cart.Checkout{Shipping: &cart.Address{City: "Pune"}, Billing: &cart.Address{FirstName: "Meera"}}, "Meera", ""},
		"a full name":       {cart.Checkout{Billing: &cart.Address{Name: "Meera Devi Nair"}}, "Meera", "Devi Nair"},
		"a last name alone": {cart.Checkout{Customer: cart.Customer{LastName: "Rao"}}, "Rao", ""},
	}
	for name, test := range tests {
		first, last := voice.Request{Checkout: test.checkout}.Names()
		assert.Equal(t, test.first, first, name)
		assert.Equal(t, test.last, last, name)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused")
	for _, err := range []error{&voice.NotPlacedError{Err: cause}, &voice.UncertainError{Err: cause}, &voice.TemporaryError{Err: cause}} {
		require.ErrorIs(t, err, cause)
		assert.Contains(t, err.Error(), cause.Error())
	}
	assert.Empty(t, (&voice.RefusedError{Kind: voice.RefusedContent}).Account())
	for _, kind := range []voice.RefusalKind{voice.RefusedCredits, voice.RefusedKeys, voice.RefusedAssistant, voice.RefusedOther} {
		assert.Equal(t, string(kind), (&voice.RefusedError{Kind: kind}).Account())
	}
	assert.Equal(t, "refused (credits) with status 402: none left", (&voice.RefusedError{Kind: voice.RefusedCredits, Status: 402, Message: "none left"}).Error())
}
