package lifecycle

import "strings"

// otherAction is written in the ledger for an action whose name does not look like a name.
const otherAction = "other"

// longestAction bounds the length of an action's name in the ledger, in bytes. mostDigits bounds the digits in a row:
// more could be a phone number.
const (
	longestAction = 40
	mostDigits    = 3
)

// actionName makes the name that a provider gives to an agent's action fit for the ledger: at most 40 of a-z, 0-9 and
// _. A text that is not a name, such as a sentence, may hold personal data and becomes "other".
func actionName(told string) string {
	var name strings.Builder
	digits := 0
	for i, r := range strings.ToLower(strings.TrimSpace(told)) {
		letter := r >= 'a' && r <= 'z'
		switch {
		case letter:
			digits = 0
		case r >= '0' && r <= '9' && i > 0 && digits < mostDigits:
			digits++
		case i > 0 && strings.ContainsRune("_.:-", r):
			r, digits = '_', 0
		default:
			return otherAction
		}
		name.WriteRune(r)
	}
	if name.Len() == 0 {
		return otherAction
	}
	text := name.String()
	return strings.TrimRight(text[:min(len(text), longestAction)], "_")
}
