package tolerant

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

// Answer is what an analysis says to a question of yes or no.
type Answer int

// The answers. The zero value means that the question was not answered.
const (
	Absent Answer = iota
	Yes
	No
	// Unclear: there is an answer, and it is neither a yes nor a no.
	Unclear
)

// The words with which an answer begins, in the languages that agents speak.
var (
	yesWords = []string{
		"yes", "yeah", "yep", "yup", "true", "affirmative", "correct", "definitely", "sure",
		"haan", "haa", "han", "ha", "ji", "हाँ", "हां", "जी", "sí", "si", "sim", "oui", "ja", "sì", "да", "tak",
		"evet", "نعم", "是", "はい",
	}
	noWords = []string{
		"no", "nope", "nah", "false", "negative",
		"nahi", "nahin", "nahiin", "नहीं", "não", "nao", "non", "nein", "nee", "нет", "nie", "hayır", "hayir", "لا",
		"否", "いいえ",
	}
	// absentWords stand for no value at all.
	absentWords = []string{"", "null", "none", "nil", "undefined"}
	// notAsked begin the sentences that an analysis writes when the question did not come up.
	notAsked = []string{
		"not mentioned", "not requested", "not asked", "not discussed", "not expressed", "not stated",
		"did not ask", "did not mention", "did not request", "did not express", "did not state", "did not say",
		"did not come up", "didn't ask", "didn't mention", "didn't request", "didn't express", "didn't state",
		"didn't say", "didn't come up",
	}
	// afterNo are the words that may follow a no without a comma, as in "No the customer did not". Other words change
	// the meaning: "No more calls" is not the answer no.
	afterNo = []string{
		"the", "he", "she", "they", "it", "customer", "caller", "user", "not", "opt", "opt-out", "request", "mention",
		"objection", "sign", "indication",
	}
	// doubtful begin sentences that look like an answer and are none. contradictions are whole texts of that kind.
	doubtful = []string{"no idea", "no clear", "no clarity", "no information", "no answer", "no data", "no response",
		"yes and no", "yes or no", "no and yes"}
	contradictions = []string{"yes no", "no yes"}
	// wishes are what customers say who want no more calls. denials are what an analysis says when the customer did
	// not say so.
	wishes  = []string{"never call", "do not call", "don't call", "stop calling", "no more calls", "no further calls"}
	denials = []string{"did not", "didn't", "does not", "doesn't", "has not", "hasn't", "not ask", "without",
		"never asked", "never said"}
)

// ReadAnswer reads a yes or no. A text counts by its first word: "Yes, the customer asked not to be called again." is
// a yes. "No more calls" is not a no. Of the numbers, only 1 and 0 are answers. Of a list, one yes makes a yes, and
// only noes make a no. Of an object, its value, answer or result counts. What cannot be read is Unclear, never a no.
func ReadAnswer(v any) Answer { return readAnswer(v, maxDepth) }

func readAnswer(v any, depth int) Answer {
	if depth == 0 {
		return Unclear
	}
	switch v := v.(type) {
	case nil:
		return Absent
	case bool:
		return answerOf(v)
	case json.Number:
		switch f, err := v.Float64(); {
		case err == nil && f == 1:
			return Yes
		case err == nil && f == 0:
			return No
		}
	case string:
		return answerInText(v)
	case []any:
		return answerOfAll(v, depth)
	case map[string]any:
		if len(v) == 0 {
			return Absent
		}
		for _, key := range []string{"value", "answer", "result", "detected", "flag", "response"} {
			if inner := Object(v).Fold(key); inner != nil {
				return readAnswer(inner, depth-1)
			}
		}
		for _, key := range []string{"value", "answer", "result"} {
			if inner, has := v[key]; has && inner == nil {
				return Absent
			}
		}
	}
	return Unclear
}

func answerOf(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

func answerOfAll(list []any, depth int) Answer {
	result := Absent
	for _, item := range list {
		switch answer := readAnswer(item, depth-1); {
		case answer == Yes:
			return Yes
		case answer == Unclear, answer == No && result == Absent:
			result = answer
		}
	}
	return result
}

func answerInText(text string) Answer {
	words := strings.FieldsFunc(strings.ReplaceAll(strings.ToLower(text), "’", "'"), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '\''
	})
	plain := strings.Join(words, " ")
	begins := func(with []string) bool {
		return slices.ContainsFunc(with, func(w string) bool { return plain == w || strings.HasPrefix(plain, w+" ") })
	}
	contains := func(phrases []string) bool {
		return slices.ContainsFunc(phrases, func(p string) bool { return strings.Contains(plain, p) })
	}
	switch {
	case slices.Contains(absentWords, plain) && (plain != "" || strings.TrimSpace(text) == ""):
		return Absent
	case plain == "y", plain == "1":
		return Yes
	case plain == "n", plain == "0":
		return No
	case begins(doubtful), slices.Contains(contradictions, plain):
		return Unclear
	case begins(notAsked):
		return No
	case begins(yesWords):
		return Yes
	case begins(noWords) && saysNo(text) && (!contains(wishes) || contains(denials)):
		return No
	}
	return Unclear
}

// saysNo reports whether a text that begins with a no means just that.
func saysNo(text string) bool {
	text = strings.TrimLeftFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) })
	rest, english := strings.CutPrefix(text, "no")
	rest, spaced := strings.CutPrefix(rest, " ")
	if !english || !spaced {
		return true
	}
	next := strings.FieldsFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
	return len(next) == 0 || strings.HasPrefix(next[0], "-") || slices.Contains(afterNo, next[0])
}

// Flag reads a yes or no as ReadAnswer does. known is false when it is neither.
func Flag(v any) (yes, known bool) {
	switch ReadAnswer(v) {
	case Yes:
		return true, true
	case No:
		return false, true
	case Absent, Unclear:
	}
	return false, false
}
