package shopify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/tidwall/gjson"
)

// The types of this file read a JSON value of whatever type and never fail: what they cannot use is as if absent. So a
// field of a wrong type costs only itself.

// decodeObject reads body into v, a struct of tolerant fields. It fails when body is no JSON object.
func decodeObject(body []byte, v any) error {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return errors.New("the payload is empty")
	}
	if trimmed[0] != '{' && valid(trimmed) {
		return errors.New("the payload is not a JSON object")
	}
	if valid(trimmed) {
		read(trimmed, v)
		return nil
	}
	// The decoder's own message may quote the payload, which is personal data.
	var syntax *json.SyntaxError
	var anything json.RawMessage
	if errors.As(json.Unmarshal(trimmed, &anything), &syntax) {
		return fmt.Errorf("the payload is not valid JSON (at byte %d)", syntax.Offset)
	}
	return errors.New("the payload is not valid JSON")
}

// mostOpen is how many brackets a text may have for a check that uses the stack for each.
const mostOpen = 10_000

// valid reports whether a text is valid JSON.
func valid(b []byte) bool {
	if bytes.Count(b, []byte{'{'})+bytes.Count(b, []byte{'['}) > mostOpen {
		return json.Valid(b)
	}
	return gjson.ValidBytes(b)
}

// clean trims s and removes what Postgres cannot hold in text.
func clean(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""))
}

// quoted returns the string of a JSON string literal.
func quoted(b []byte) (string, bool) {
	if len(b) < 2 || b[0] != '"' {
		return "", false
	}
	s, plain := plainText(b)
	if !plain {
		if json.Unmarshal(b, &s) != nil {
			return "", false
		}
		s = clean(s)
	}
	if s == "NULL" {
		// The word that some exports write for null.
		s = ""
	}
	return s, true
}

// plainText is the text of a JSON string literal of printable ASCII without escapes, which is what nearly all are. It
// reads the literal without decoding it.
func plainText(b []byte) (string, bool) {
	end := len(b) - 1
	if b[end] != '"' {
		return "", false
	}
	inner := b[1:end]
	for _, c := range inner {
		if c < ' ' || c > '~' || c == '\\' || c == '"' {
			return "", false
		}
	}
	return strings.TrimSpace(string(inner)), true
}

func isNumber(b []byte) bool {
	return len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9')
}

// text is a string, or a number as written.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	if s, ok := quoted(b); ok {
		*t = text(s)
	} else if isNumber(b) {
		*t = text(b)
	} else if len(b) > 0 && b[0] == '{' {
		*t = onlyText(b)
	}
	return nil
}

// onlyText is the text of an object that Shopify's reference writes in place of a text, such as {"currency": "USD"}.
func onlyText(b []byte) text {
	var fields map[string]json.RawMessage
	if json.Unmarshal(b, &fields) != nil || len(fields) != 1 {
		return ""
	}
	for _, key := range []string{"currency", "presentment_currency", "phone"} {
		if s, ok := quoted(fields[key]); ok {
			return text(s)
		}
	}
	return ""
}

// scalar is a text, or "true" or "false".
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (t *scalar) UnmarshalJSON(b []byte) error {
	if s := string(b); s == "true" || s == "false" {
		*t = scalar(s)
		return nil
	}
	return (*text)(t).UnmarshalJSON(b)
}

// id is Shopify's numeric id: a number, a string of digits, or the end of a GID.
type id string

// longestID bounds an id: 64 bits are at most 20 digits.
const longestID = 20

// UnmarshalJSON implements json.Unmarshaler.
func (i *id) UnmarshalJSON(b []byte) error {
	*i = ""
	if s, ok := quoted(b); ok {
		*i = id(numericID(s))
	} else if isNumber(b) {
		*i = id(numericID(string(b)))
	}
	return nil
}

// numericID returns the digits of an id, a GID such as gid://shopify/Order/1?x=y, or a name such as #1; "" for
// anything else and for zero. No id passes through a float: they have 64 bits.
func numericID(s string) string {
	if gid, ok := strings.CutPrefix(s, "gid://"); ok {
		gid, _, _ = strings.Cut(gid, "?")
		s = gid[strings.LastIndexByte(gid, '/')+1:]
	}
	s = strings.TrimPrefix(s, "#")
	if s == "" || len(s) > longestID || strings.Trim(s, "0123456789") != "" || strings.Trim(s, "0") == "" {
		return ""
	}
	return s
}

// money is a decimal given as a string or a number; anything else, "" too, is not set.
type money struct {
	value decimal.Decimal
	set   bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *money) UnmarshalJSON(b []byte) error {
	*m = money{}
	s, ok := quoted(b)
	if !ok && isNumber(b) {
		s = string(b)
	}
	m.value, m.set = parseMoney(s)
	return nil
}

// pointer returns the amount, or nil when it was not given.
func (m money) pointer() *decimal.Decimal {
	if !m.set {
		return nil
	}
	return &m.value
}

// parseMoney refuses exponents that no price has: a short text such as 1e999999999 would fill the memory.
func parseMoney(s string) (decimal.Decimal, bool) {
	const longest, widest = 40, 20
	if s == "" || len(s) > longest {
		return decimal.Zero, false
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() < -longest || d.Exponent() > widest {
		return decimal.Zero, false
	}
	return d, true
}

// firstAmount returns the first amount that was given, or zero.
func firstAmount(amounts ...money) decimal.Decimal {
	for _, m := range amounts {
		if m.set {
			return m.value
		}
	}
	return decimal.Zero
}

// count is a whole number of pieces; nil when it was not given.
type count struct{ value *int }

// UnmarshalJSON implements json.Unmarshaler.
func (c *count) UnmarshalJSON(b []byte) error {
	c.value = nil
	s, ok := quoted(b)
	if !ok {
		s = string(b)
	}
	const most = 100_000_000
	if n, err := strconv.ParseFloat(s, 64); err == nil && n >= 0 && n <= most {
		whole := int(n)
		c.value = &whole
	}
	return nil
}

func (c count) or(n int) int {
	if c.value == nil {
		return n
	}
	return *c.value
}

// flag is a yes or no; nil when it was not given.
type flag struct{ value *bool }

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(b []byte) error {
	f.value = nil
	s, ok := quoted(b)
	if !ok {
		s = string(b)
	}
	if v, err := strconv.ParseBool(s); err == nil {
		f.value = &v
	}
	return nil
}

func (f flag) yes() bool { return f.value != nil && *f.value }

// instant is a time of day in one of the ways in which Shopify writes it. Given says that there was something, even if
// it could not be read.
type instant struct {
	at    time.Time
	given bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *instant) UnmarshalJSON(b []byte) error {
	*i = instant{}
	s, ok := quoted(b)
	switch {
	case ok:
		i.given = s != ""
		i.at = parseInstant(s)
	case isNumber(b):
		i.given = true
		i.at = unixInstant(string(b))
	default:
		i.given = string(b) != "null" && string(b) != "false"
	}
	return nil
}

// pointer returns the instant, or nil when it was not given or not readable.
func (i instant) pointer() *time.Time {
	if i.at.IsZero() {
		return nil
	}
	return &i.at
}

// instantLayouts are tried in turn. A time without a zone is taken as UTC.
var instantLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 -0700",
	"2006-01-02 15:04:05 -07:00",
	"2006-01-02 15:04:05 MST",
	"2006-01-02 15:04:05",
	"2006-01-02",
}

// parseInstant reads a time in UTC; zero when it is none.
func parseInstant(s string) time.Time {
	const longest = 48
	s = strings.TrimSpace(s)
	if s == "" || len(s) > longest {
		return time.Time{}
	}
	for _, layout := range instantLayouts {
		if strings.HasSuffix(layout, "MST") && !strings.HasSuffix(s, " UTC") && !strings.HasSuffix(s, " GMT") {
			// Other abbreviations are ambiguous, and Go would read them as UTC.
			continue
		}
		if t, err := time.Parse(layout, strings.ToUpper(s)); err == nil {
			return plausible(t)
		}
	}
	return time.Time{}
}

// unixInstant reads seconds, or milliseconds, since 1970.
func unixInstant(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	const milliseconds = 100_000_000_000
	at := time.Unix(n, 0)
	if n > milliseconds {
		at = time.UnixMilli(n)
	}
	return plausible(at)
}

// plausible keeps instants that JSON and Postgres can hold and that Shopify could have meant; others are zero.
func plausible(t time.Time) time.Time {
	t = t.UTC()
	if y := t.Year(); y < 1970 || y > 9000 {
		return time.Time{}
	}
	return t
}

// firstInstant returns the first that is set.
func firstInstant(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// object is a struct of tolerant fields, zero when the value is no object.
type object[T any] struct{ value T }

// UnmarshalJSON implements json.Unmarshaler.
func (o *object[T]) UnmarshalJSON(b []byte) error {
	var v T
	if len(b) > 0 && b[0] == '{' {
		read(b, &v)
	}
	o.value = v
	return nil
}

// list holds the elements of a list; an object that stands in its place is a list of one. It is nil for anything else.
// An element of a wrong type is the zero T.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = nil
	if len(b) > 0 && b[0] == '[' {
		v := []T{}
		inside(b, func(_, element []byte) {
			var one T
			v = append(v, one)
			read(element, &v[len(v)-1])
		})
		*l = v
	} else if len(b) > 2 && b[0] == '{' {
		// One alone.
		v := make([]T, 1)
		read(b, &v[0])
		*l = v
	}
	return nil
}

// lenient decodes what it can: encoding/json goes on after a value of a wrong type and reports it at the end, and the
// syntax was checked before.
func lenient(b []byte, v any) {
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(b, v); err != nil && !errors.As(err, &wrongType) {
		return
	}
}

// ids is a list of ids; those that cannot be read are left out.
type ids []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *ids) UnmarshalJSON(b []byte) error {
	var raw list[id]
	_ = raw.UnmarshalJSON(b)
	*l = nil
	for _, i := range raw {
		if i != "" {
			*l = append(*l, string(i))
		}
	}
	return nil
}

// words is a list of texts, given as a list or as one text with commas.
type words []string

// UnmarshalJSON implements json.Unmarshaler.
func (w *words) UnmarshalJSON(b []byte) error {
	*w = nil
	var parts []string
	if s, ok := quoted(b); ok {
		parts = strings.Split(s, ",")
	} else {
		var raw list[text]
		_ = raw.UnmarshalJSON(b)
		for _, t := range raw {
			parts = append(parts, string(t))
		}
	}
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			*w = append(*w, p)
		}
	}
	return nil
}

// attributes are a store's own fields: a list of {name, value}, or an object.
type attributes map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (a *attributes) UnmarshalJSON(b []byte) error {
	*a = nil
	set := func(name, value string) {
		if name = clean(name); name == "" {
			return
		}
		if *a == nil {
			*a = attributes{}
		}
		(*a)[name] = value
	}
	if len(b) > 0 && b[0] == '{' {
		var fields map[string]scalar
		lenient(b, &fields)
		for name, value := range fields {
			set(name, string(value))
		}
		return nil
	}
	var pairs list[struct {
		Name  scalar `json:"name"`
		Key   scalar `json:"key"`
		Value scalar `json:"value"`
	}]
	_ = pairs.UnmarshalJSON(b)
	for _, p := range pairs {
		name := string(p.Name)
		if name == "" {
			name = string(p.Key)
		}
		set(name, string(p.Value))
	}
	return nil
}
