package voice

import (
	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
)

// The exponents within which an amount or a rate is one; beyond them a short text would swell into megabytes of digits.
const (
	minExponent = -30
	maxExponent = 30
)

// Sound reports whether d is small enough, before and after the point, to be written out in digits.
func Sound(d decimal.Decimal) bool {
	return d.Exponent() >= minExponent && d.Exponent() <= maxExponent && d.NumDigits() <= 2*maxExponent
}

// Amount writes money with as many decimals as its currency has (ISO 4217): 1895 INR is "1895.00", 1895 JPY is "1895". An
// unknown currency gets two. The amount must be Sound.
func Amount(d decimal.Decimal, code string) string {
	scale := 2
	if unit, err := currency.ParseISO(code); err == nil {
		scale, _ = currency.Standard.Rounding(unit)
	}
	return d.StringFixed(int32(scale))
}
