package tolerant

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"ringback/internal/cart"
	"ringback/internal/voice"
)

// The bounds of what is kept of an analysis.
const (
	maxFindings = 100
	// maxFinding bounds the value of one insight, in bytes of JSON.
	maxFinding = 4 << 10
	// maxTranscript bounds a transcript, in runes, and maxTurns its lines.
	maxTranscript = 60_000
	maxTurns      = 2000
)

// Findings are all insights of some objects, each from the first object that has it, with the types that were told. The
// ones named in without are left out: they are no insights.
func Findings(without []string, from ...Object) []cart.Finding {
	var found []cart.Finding
	for _, o := range from {
		for _, key := range slices.Sorted(maps.Keys(o)) {
			v, name := o[key], voice.Plain(key, MaxWord)
			known := slices.ContainsFunc(found, func(f cart.Finding) bool { return f.Name == name })
			if v == nil || name == "" || known || slices.Contains(without, key) || len(found) == maxFindings {
				continue
			}
			if value := compact(v); value != "" {
				found = append(found, cart.Finding{Name: name, Value: value})
			}
		}
	}
	slices.SortFunc(found, func(a, b cart.Finding) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// compact writes a value as JSON on one line; "" for one that is too large. A text that is too long is cut.
func compact(v any) string {
	if text, ok := v.(string); ok {
		v = voice.Plain(text, maxFinding/8)
	}
	raw := Raw(v)
	if len(raw) > maxFinding {
		return ""
	}
	return string(raw)
}

// Label reads the label of a reason: a text, the first text of a list, or the value of an object.
func Label(v any) string {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if label := Label(item); label != "" {
				return label
			}
		}
	case map[string]any:
		return Text(Object(v).Value("value", "answer", "result"), MaxWord)
	case string:
		return Text(v, MaxWord)
	}
	return ""
}

// Transcript reads what was said, one turn a line: a text, or a list of texts or of {role, content}. It is cut when it
// is too long.
func Transcript(v any) string {
	var turns []string
	switch v := v.(type) {
	case string:
		for line := range strings.Lines(v) {
			turns = append(turns, voice.Plain(line, MaxText))
		}
	case []any:
		for _, item := range v {
			turns = append(turns, turn(item))
		}
	}
	var all bytes.Buffer
	runes := 0
	for _, line := range turns[:min(len(turns), maxTurns)] {
		if line == "" {
			continue
		}
		if runes += utf8.RuneCountInString(line) + 1; runes > maxTranscript {
			break
		}
		all.WriteString(line)
		all.WriteByte('\n')
	}
	return strings.TrimSuffix(all.String(), "\n")
}

// turn reads what one side said.
func turn(v any) string {
	o, ok := v.(map[string]any)
	if !ok {
		return Text(v, MaxText)
	}
	said := Object(o).Text("content", "text", "message", "utterance")
	who := Object(o).Word("role", "speaker", "participant")
	if said == "" || who == "" {
		return said
	}
	return who + ": " + said
}

// Success reads whether a call reached its aim; nil when that was not told.
func Success(v any) *bool {
	if yes, known := Flag(v); known {
		return &yes
	}
	return nil
}

// Mood reads a sentiment: a word, or an object with one.
func Mood(v any) string {
	if o, ok := v.(map[string]any); ok {
		return Object(o).Word("sentiment", "overall", "overall_sentiment", "label", "value")
	}
	if _, ok := v.(json.Number); ok {
		return ""
	}
	return Text(v, MaxWord)
}

// Discount reads the discount that an agent gave along: {"code", "reason"}, or the code alone. It is nil for none, and
// "" when its code was not told.
func Discount(v any) *string {
	var code string
	switch v := v.(type) {
	case string:
		if code = Text(v, MaxWord); code == "" {
			return nil
		}
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
		code = Object(v).Word("code", "discountCode", "discount_code")
	default:
		return nil
	}
	return &code
}
