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

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestReadTime(t *testing.T) {
	t.Parallel()
	kolkata, err := zoneinfo.Load("Asia/Kolkata")
	require.NoError(t, err)
	// A Wednesday, 15:30 in Kolkata.
	now := time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	tests := map[string]string{
		"2026-03-05T18:30:00+05:30":  "2026-03-05T13:00:00Z",
		"2026-03-05T18:30:00Z":       "2026-03-05T18:30:00Z",
		"2026-03-05t18:30:00z":       "2026-03-05T18:30:00Z",
		"2026-03-05T18:30:00+0530":   "2026-03-05T13:00:00Z",
		"2026-03-05 18:30:00 +05:30": "2026-03-05T13:00:00Z",
		"2026-03-05T18:30:00":        "2026-03-05T13:00:00Z",
		"2026-03-05T18:30":           "2026-03-05T13:00:00Z",
		"2026-03-05 18:30":           "2026-03-05T13:00:00Z",
		"2026-03-05 6:30 pm":         "2026-03-05T13:00:00Z",
		"5 March 2026 18:30":         "2026-03-05T13:00:00Z",
		"March 5, 2026 6:30 p.m.":    "2026-03-05T13:00:00Z",
		"18:30":                      "2026-03-04T13:00:00Z",
		" 6:30   PM ":                "2026-03-04T13:00:00Z",
		"10:00":                      "2026-03-05T04:30:00Z",
		"today 18:30":                "2026-03-04T13:00:00Z",
		"today at 10 am":             "2026-03-04T04:30:00Z",
		"tomorrow, 5pm":              "2026-03-05T11:30:00Z",
		"tomorrow at 5 pm":           "2026-03-05T11:30:00Z",
	}
	for text, want := range tests {
		got, ok := voice.ReadTime(text, kolkata, now)
		require.True(t, ok, text)
		assert.Equal(t, want, got.Format(time.RFC3339), text)
		assert.Equal(t, time.UTC, got.Location(), text)
	}
	for _, text := range []string{"", "none", "later", "in the evening", "tomorrow", "2026-03-05", "25:00", "2028-03-05T18:30:00Z", "1999-01-01 10:00", "5"} {
		_, ok := voice.ReadTime(text, kolkata, now)
		assert.False(t, ok, text)
	}
}

// A time of day alone is that time on the customer's clock, also on the day when the clocks change.
func TestReadTimeAcrossClockChange(t *testing.T) {
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

func TestAmount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ amount, code, want string }{
		{"1895", "INR", "1895.00"}, {"1895", "JPY", "1895"}, {"1.5", "KWD", "1.500"}, {"0", "", "0.00"}, {"7.005", "XYZ1", "7.01"}, {"-3", "USD", "-3.00"},
	} {
		assert.Equal(t, test.want, voice.Amount(decimal.RequireFromString(test.amount), test.code))
	}
	assert.True(t, voice.Sound(decimal.RequireFromString("123456789.99")))
	assert.False(t, voice.Sound(decimal.New(1, 1_000_000)))
	assert.False(t, voice.Sound(decimal.New(1, -1_000_000)))
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
