package lifecycle

import (
	"regexp"
	"strings"
)

// otherAction stands in the ledger for an action whose name does not look like a name.
const otherAction = "other"

// longestAction bounds an action's name in the ledger, in bytes.
const longestAction = 40

var (
	// identifier is the form of a name that a program gives to an action. A sentence does not have it.
	identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:-]*$`)
	// manyDigits could be somebody's number.
	manyDigits = regexp.MustCompile(`\d{4}`)
	unsafe     = regexp.MustCompile(`[^a-z0-9_]+`)
)

// actionName is what the ledger keeps of the name that a provider gives to an agent's action: at most 40 of a-z, 0-9 and _. A
// text that may say something of a person becomes "other".
func actionName(told string) string {
	told = strings.TrimSpace(told)
	if !identifier.MatchString(told) || manyDigits.MatchString(told) {
		return otherAction
	}
	name := unsafe.ReplaceAllString(strings.ToLower(told), "_")
	return strings.Trim(name[:min(len(name), longestAction)], "_")
}
