package voice

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes text safe to store, show and speak: valid UTF-8 on one line, without control characters, cut to limit
// runes.
func Plain(text string, limit int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		// Format characters (Cf) go as well: they can turn the reading direction or hide text.
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:limit]))
}

// maxMessage bounds what is kept of a provider's message, in runes.
const maxMessage = 300

var (
	links  = regexp.MustCompile(`(?i)\bhttps?://\S+`)
	mails  = regexp.MustCompile(`[^\s"'<>@]+@[^\s"'<>@]+`)
	digits = regexp.MustCompile(`\+?\d[\d\s().-]{4,}\d`)
)

// Scrub makes a provider's message fit for logs, ledgers and pages. It blanks out links, addresses and numbers that
// could be somebody's, and each of the private words, and cuts the rest to a few hundred characters.
func Scrub(message string, private ...string) string {
	message = strings.ToValidUTF8(message, "")
	for _, word := range private {
		if word = strings.ToValidUTF8(word, ""); utf8.RuneCountInString(word) > 2 {
			message = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(word)).ReplaceAllString(message, "[private]")
		}
	}
	message = links.ReplaceAllString(message, "[link]")
	message = mails.ReplaceAllString(message, "[email]")
	message = digits.ReplaceAllString(message, "[number]")
	return Plain(message, maxMessage)
}
