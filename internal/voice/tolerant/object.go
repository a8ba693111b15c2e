package tolerant

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ringback/internal/voice"
	"ringback/internal/wording"

	"github.com/shopspring/decimal"
)

// The bounds of what is kept of a message.
const (
	// MaxWord bounds ids and names, in runes.
	MaxWord = 200
	// MaxText bounds summaries and descriptions, in runes.
	MaxText = 8000
	maxURL  = 2000
	// maxItems bounds lists.
	maxItems = 50
	// maxSeconds bounds a call's duration: a week.
	maxSeconds = 7 * 24 * 3600
)

// Object is a JSON object; nil is an empty one. Where a method takes several keys, the first one that holds a
// readable value counts.
type Object map[string]any

// Decode reads a body that holds one JSON object, or a list of them.
func Decode(body []byte) ([]Object, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("the body is not JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the body holds more than one JSON value")
	}
	switch v := v.(type) {
	case map[string]any:
		return []Object{v}, nil
	case []any:
		var all []Object
		for _, item := range v {
			if o, ok := item.(map[string]any); ok && len(all) < maxItems {
				all = append(all, o)
			}
		}
		if len(all) > 0 {
			return all, nil
		}
	}
	return nil, errors.New("the body holds no JSON object")
}

// Value is what stands under the first key that is there and not null, or nil.
func (o Object) Value(keys ...string) any {
	for _, k := range keys {
		if v := o[k]; v != nil {
			return v
		}
	}
	return nil
}

// Fold is the value under the key, in whatever letter case and whether words are joined by "_" or "-"; nil when there
// is none.
func (o Object) Fold(key string) any {
	if key == "" {
		return nil
	}
	if v := o[key]; v != nil {
		return v
	}
	for k, v := range o {
		if v != nil && strings.EqualFold(strings.ReplaceAll(k, "-", "_"), strings.ReplaceAll(key, "-", "_")) {
			return v
		}
	}
	return nil
}

// Object is the first of the keys that holds an object, or nil.
func (o Object) Object(keys ...string) Object {
	for _, k := range keys {
		if v, ok := o[k].(map[string]any); ok {
			return v
		}
	}
	return nil
}

// Word is a short text, or a number as text, on one line.
func (o Object) Word(keys ...string) string {
	for _, k := range keys {
		if text := Text(o[k], MaxWord); text != "" {
			return text
		}
	}
	return ""
}

// Text is a longer text.
func (o Object) Text(keys ...string) string {
	for _, k := range keys {
		if text := Text(o[k], MaxText); text != "" {
			return text
		}
	}
	return ""
}

// Text reads text or a number as one line of at most limit runes; "" for anything else.
func Text(v any, limit int) string {
	switch v := v.(type) {
	case string:
		return voice.Plain(v, limit)
	case json.Number:
		return voice.Plain(v.String(), limit)
	}
	return ""
}

// Seconds reads a duration in whole seconds, nil when there is none.
func (o Object) Seconds(keys ...string) *int {
	for _, k := range keys {
		text := strings.TrimSpace(Text(o[k], MaxWord))
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || f < 0 || f > maxSeconds {
			continue
		}
		n := int(math.Round(f))
		return &n
	}
	return nil
}

// Decimal reads a number, nil when there is none.
func (o Object) Decimal(keys ...string) *decimal.Decimal {
	for _, k := range keys {
		text := strings.TrimSpace(Text(o[k], 60))
		if text == "" {
			continue
		}
		if d, err := decimal.NewFromString(text); err == nil && wording.Sound(d) {
			return &d
		}
	}
	return nil
}

// URL reads an http or https address, "" when there is none.
func (o Object) URL(keys ...string) string {
	for _, k := range keys {
		text, _ := o[k].(string)
		if text == "" || len(text) > maxURL || text != voice.Plain(text, maxURL) {
			continue
		}
		if u, err := url.Parse(text); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			return text
		}
	}
	return ""
}

// Texts reads a list of texts; a single text counts as a list of one.
func (o Object) Texts(keys ...string) []string {
	for _, k := range keys {
		list, ok := o[k].([]any)
		if !ok && o[k] != nil {
			list = []any{o[k]}
		}
		var texts []string
		for _, item := range list {
			if text := Text(item, MaxWord); text != "" && len(texts) < maxItems {
				texts = append(texts, text)
			}
		}
		if texts != nil {
			return texts
		}
	}
	return nil
}

// Time reads an instant, RFC 3339 or Unix seconds or milliseconds, in UTC; the zero time when there is none.
func (o Object) Time(keys ...string) time.Time {
	for _, k := range keys {
		if at := instant(o[k]); !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// The range of instants that are believed.
const (
	firstYear = 2000
	lastYear  = 2200
	// millis is where a Unix time is surely in milliseconds.
	millis = 1e11
)

func instant(v any) time.Time {
	var at time.Time
	switch v := v.(type) {
	case string:
		var err error
		if at, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(v)); err != nil {
			return time.Time{}
		}
	case json.Number:
		n, err := v.Float64()
		if err != nil || math.Abs(n) > 1e14 {
			return time.Time{}
		}
		if n >= millis {
			at = time.UnixMilli(int64(n))
		} else {
			at = time.Unix(int64(n), 0)
		}
	}
	if at = at.UTC(); at.Year() < firstYear || at.Year() >= lastYear {
		return time.Time{}
	}
	return at
}

// offsetForm is RFC 3339 with an offset in place of Z, which agents append to local times by habit.
const offsetForm = "2006-01-02T15:04:05-07:00"

// Moment reads when a customer wants to be called: text as it stands, or a Unix time as RFC 3339.
func Moment(v any) string {
	if n, ok := v.(json.Number); ok {
		if at := instant(n); !at.IsZero() {
			return at.Format(offsetForm)
		}
		return ""
	}
	if o, ok := v.(map[string]any); ok {
		return Text(o["value"], MaxWord)
	}
	return Text(v, MaxWord)
}
