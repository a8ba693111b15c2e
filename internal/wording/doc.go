// Package wording holds the words that people read for every closed list of the domain: states, reasons, events,
// outcomes, attributions, verdicts and rules; and one writer each for money, counts, durations and instants.
//
// Pages, the terminal, the demo and the API description all take their words from here, so that one thing has one name
// everywhere. The package is pure: it reads no clock, and instants come with the moment they are compared with.
//
// Each list has two forms. A label is a heading or a table cell of a few words without a full stop ("No answer"). A
// sentence explains the value on its own ("The customer did not answer."). A value that is not on its list gives a
// readable form of its raw name: a page of an older program must be able to show what a newer one stored.
package wording

import "strings"

// Title makes a label of a raw word: "no_answer" becomes "No answer".
func Title[T ~string](word T) string {
	return upperFirst(Lower(word))
}

// Lower makes a raw word readable within a sentence: "no_answer" becomes "no answer".
func Lower[T ~string](word T) string { return strings.ReplaceAll(string(word), "_", " ") }

// LowerFirst makes a label fit for the middle of a sentence: "Call ended" becomes "call ended".
func LowerFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
