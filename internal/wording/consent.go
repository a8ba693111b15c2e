package wording

import (
	"strings"
	"time"

	"ringback/internal/cart"
)

// Consent says what permitted a call, and how that is known. Times are shown in loc.
func Consent(c *cart.Consent, loc *time.Location) string {
	var b strings.Builder
	b.WriteString(c.Basis)
	if c.Value != "" {
		b.WriteString(": " + c.Value)
	}
	if c.Proves == cart.ProvesVoice {
		b.WriteString(", in words that name automated calls")
	}
	switch c.Source {
	case cart.FromCheckout:
		b.WriteString("; given at the checkout")
	case cart.FromCustomer:
		b.WriteString("; from the customer's record")
	}
	if c.At != nil {
		b.WriteString(", " + c.At.In(loc).Format(ClockLayout))
	}
	if c.OptIn != "" {
		b.WriteString(", " + strings.ReplaceAll(c.OptIn, "_", " "))
	}
	if c.TextVersion != "" {
		b.WriteString(", text " + c.TextVersion)
	}
	if c.Weaker {
		b.WriteString("; less than the law there requires, which the store accepts")
	}
	return b.String()
}
