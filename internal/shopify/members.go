package shopify

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// members are the fields of a struct by the names that they have in JSON, those of embedded structs too.
type members struct {
	places map[string][]int
	names  []string
}

// membersOf holds the members of each type that was read.
var membersOf sync.Map

func membersOfType(t reflect.Type) *members {
	if known, ok := membersOf.Load(t); ok {
		return known.(*members)
	}
	m := &members{places: map[string][]int{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && (f.Anonymous || !f.IsExported()) {
			continue
		}
		name = firstOf(name, f.Name)
		m.places[name], m.names = f.Index, append(m.names, name)
	}
	membersOf.Store(t, m)
	return m
}

// place finds the field of a name, in the same case or, as encoding/json does, in another; nil when there is none.
func (m *members) place(name []byte) []int {
	if place, ok := m.places[string(name)]; ok {
		return place
	}
	other := func(r rune) bool { return r >= 'A' && r <= 'Z' || r == '\\' || r > unicode.MaxASCII }
	if !bytes.ContainsFunc(name, other) {
		return nil
	}
	var decoded string
	if json.Unmarshal(slices.Concat([]byte{'"'}, name, []byte{'"'}), &decoded) != nil {
		return nil
	}
	if place, ok := m.places[decoded]; ok {
		return place
	}
	for _, own := range m.names {
		if strings.EqualFold(own, decoded) {
			return m.places[own]
		}
	}
	return nil
}

// read sets what v points to from a value that is valid JSON. encoding/json would check the value anew for every object
// that it is in. v is a pointer to a tolerant type or to a struct of them. A struct stays as it is when the value is no
// object.
func read(raw []byte, v any) {
	if own, is := v.(json.Unmarshaler); is {
		_ = own.UnmarshalJSON(raw)
		return
	}
	into := reflect.ValueOf(v).Elem()
	if into.Kind() != reflect.Struct {
		lenient(raw, v)
		return
	}
	if raw[0] != '{' {
		return
	}
	known := membersOfType(into.Type())
	inside(raw, func(name, value []byte) {
		if place := known.place(name); place != nil {
			read(value, into.FieldByIndex(place).Addr().Interface())
		}
	})
}

// inside gives fn each value in an object, with its name as it is written between the quotes, or in a list. raw is
// valid JSON without space around it.
func inside(raw []byte, fn func(name, value []byte)) {
	var name []byte
	for i := 1; i < len(raw)-1; {
		switch raw[i] {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
			continue
		}
		end := endOf(raw, i)
		if raw[0] == '{' && name == nil {
			name = raw[i+1 : end-1]
		} else {
			fn(name, raw[i:end:end])
			name = nil
		}
		i = end
	}
}

// endOf is where the value that begins at i ends.
func endOf(raw []byte, i int) int {
	depth := 0
	for {
		switch raw[i] {
		case '"':
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			i++
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			i++
			for depth == 0 && i < len(raw) && !endsPlain(raw[i]) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// endsPlain reports whether a number, true, false or null ends before c.
func endsPlain(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', '}', ']':
		return true
	}
	return false
}
