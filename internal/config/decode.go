package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringback/internal/secret"

	"github.com/shopspring/decimal"
	"go.yaml.in/yaml/v3"
)

// decoder writes a tree into Go values, guided by their yaml tags. It reports a value that it cannot read and leaves
// the target unchanged.
//
// It reads strings, booleans, numbers, durations, decimals, secrets, lists, maps, structs, pointers to them, and
// every encoding.TextUnmarshaler. A struct, list or map that is a TextUnmarshaler reads itself from a single value
// and is decoded as usual from a mapping or a list. Such a list may also be its one member, without the list.
type decoder struct {
	sources
	// providers are the voice APIs whose own keys may stand under voice.
	providers providers
	scope     *scope
}

var (
	secretType   = reflect.TypeFor[secret.Secret]()
	secretsType  = reflect.TypeFor[secret.List]()
	durationType = reflect.TypeFor[time.Duration]()
	decimalType  = reflect.TypeFor[decimal.Decimal]()
	voiceType    = reflect.TypeFor[Voice]()
)

// plainDecimal rejects exponents: 1e999999999 is short to write, but printing it needs all memory.
var plainDecimal = regexp.MustCompile(`^-?\d{1,20}(\.\d{1,10})?$`)

// value decodes n into v. fileAllowed permits file:PATH for a string; secrets always permit it.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, fileAllowed bool) {
	switch v.Type() {
	case secretType:
		d.scalar(n, v, path, true, setString)
		return
	case secretsType:
		d.secrets(n, v, path)
		return
	case durationType:
		d.scalar(n, v, path, false, setDuration)
		return
	case decimalType:
		d.scalar(n, v, path, false, setDecimal)
		return
	}
	if v.Kind() == reflect.Pointer {
		d.pointer(n, v, path, fileAllowed)
		return
	}
	container := v.Kind() == reflect.Struct || v.Kind() == reflect.Map || v.Kind() == reflect.Slice
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && !(container && n.Kind != yaml.ScalarNode) {
		d.scalar(n, v, path, fileAllowed, setText)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Map:
		d.mapping(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	default:
		d.scalar(n, v, path, fileAllowed, setterFor(v.Type()))
	}
}

// pointer decodes an optional value. Null and an empty amount mean that it is absent.
func (d *decoder) pointer(n *yaml.Node, v reflect.Value, path string, fileAllowed bool) {
	if isNull(n) {
		v.SetZero()
		return
	}
	if v.Type().Elem() == decimalType && n.Kind == yaml.ScalarNode {
		if text, err := d.expand(n.Value); err == nil && text == "" {
			v.SetZero()
			return
		}
	}
	fresh := reflect.New(v.Type().Elem())
	if !v.IsNil() {
		fresh.Elem().Set(v.Elem())
	}
	before := len(d.scope.failed)
	d.value(n, fresh.Elem(), path, fileAllowed)
	if len(d.scope.failed) == before {
		v.Set(fresh)
	}
}

// field is one key of a struct.
type field struct {
	name        string
	index       []int
	fileAllowed bool
}

// fieldsOf lists the keys of a struct, including those of inlined structs.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		}
		if name != "" && name != "-" {
			fields = append(fields, field{name: name, index: f.Index, fileAllowed: f.Tag.Get("file") == "allowed"})
		}
	}
	return fields
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	if isNull(n) {
		return
	}
	fields := fieldsOf(v.Type())
	if n.Kind != yaml.MappingNode || len(fields) == 0 {
		d.scope.unreadable(path, wrongForm(n, "a mapping of keys to values"))
		return
	}
	// Other keys come last: in a voice section, its provider decides whether they are known.
	var rest []int
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if at < 0 {
			rest = append(rest, i)
			continue
		}
		d.value(n.Content[i+1], v.FieldByIndex(fields[at].index), join(path, name), fields[at].fileAllowed)
	}
	section, isVoice := v.Addr().Interface().(*Voice)
	for _, i := range rest {
		name := n.Content[i].Value
		if !isVoice || !d.providerKey(n.Content[i+1], section, path, name) {
			d.unknown(join(path, name), name, v)
		}
	}
}

// providerKey decodes a key under voice into the settings of each provider that has it. A section may hold keys of
// several providers: the defaults serve stores of different providers, and a store that has moved keeps its former
// keys.
func (d *decoder) providerKey(n *yaml.Node, section *Voice, path, name string) (known bool) {
	for _, p := range d.providers {
		settings := section.Others[p.Name]
		if settings == nil {
			settings = p.Settings()
		}
		into := reflect.ValueOf(settings).Elem()
		for _, f := range fieldsOf(into.Type()) {
			if f.name != name {
				continue
			}
			known = true
			if section.Others == nil {
				section.Others = map[string]Settings{}
			}
			section.Others[p.Name] = settings
			d.value(n, into.FieldByIndex(f.index), join(path, name), f.fileAllowed)
		}
	}
	return known
}

// unknown reports a key that the struct v does not have.
func (d *decoder) unknown(path, name string, v reflect.Value) {
	names := namesOf(v.Type())
	if v.Type() == voiceType {
		names = d.providers.keys(v.Addr().Interface().(*Voice).Provider)
	}
	d.scope.unknownKey(path, name, names, d.homeOf(name, v.Type()))
}

// homeOf looks for a key one level below the struct type t, in case it was written one level too high. It returns the
// path at which the key belongs, or "".
func (d *decoder) homeOf(name string, t reflect.Type) string {
	for _, f := range fieldsOf(t) {
		below := t.FieldByIndex(f.index).Type
		if below.Kind() != reflect.Struct {
			continue
		}
		names := namesOf(below)
		if below == voiceType {
			names = d.providers.keys("")
		}
		if slices.Contains(names, name) {
			return f.name + "." + name
		}
	}
	return ""
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.scope.unreadable(path, wrongForm(n, "a mapping of keys to values"))
		return
	}
	// The map is copied, because other stores may have the same one from the defaults.
	merged := reflect.MakeMapWithSize(v.Type(), v.Len()+len(n.Content)/2)
	for it := v.MapRange(); it.Next(); {
		merged.SetMapIndex(it.Key(), it.Value())
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		key := reflect.New(v.Type().Key()).Elem()
		if err := setKey(key, name); err != nil {
			d.scope.unknown(join(path, name), err.Error())
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		if there := v.MapIndex(key); there.IsValid() {
			value.Set(there)
		}
		d.value(n.Content[i+1], value, join(path, name), false)
		merged.SetMapIndex(key, value)
	}
	v.Set(merged)
}

func setKey(key reflect.Value, name string) error {
	if reader, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return reader.UnmarshalText([]byte(name))
	}
	key.SetString(name)
	return nil
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && n.Kind == yaml.MappingNode {
		items := reflect.MakeSlice(v.Type(), 1, 1)
		d.value(n, items.Index(0), path, false)
		v.Set(items)
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.scope.unreadable(path, wrongForm(n, "a list, such as [a, b]"))
		return
	}
	items := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(item, items.Index(i), fmt.Sprintf("%s[%d]", path, i), false)
	}
	v.Set(items)
}

// secrets decodes one secret or a list of them. A single empty secret means an empty list. Inside a list an empty
// secret is an error: anybody could sign with it.
func (d *decoder) secrets(n *yaml.Node, v reflect.Value, path string) {
	switch {
	case n.Kind == yaml.SequenceNode:
		list := secret.List{}
		for i, item := range n.Content {
			var one secret.Secret
			at := fmt.Sprintf("%s[%d]", path, i)
			before := len(d.scope.failed)
			d.value(item, reflect.ValueOf(&one).Elem(), at, true)
			switch {
			case len(d.scope.failed) > before:
			case strings.TrimSpace(one.Reveal()) == "":
				d.scope.unreadable(at, "is empty; write the secret or take it off the list")
			default:
				list = append(list, one)
			}
		}
		v.Set(reflect.ValueOf(list))
	case n.Kind == yaml.ScalarNode:
		var one secret.Secret
		before := len(d.scope.failed)
		d.value(n, reflect.ValueOf(&one).Elem(), path, true)
		if len(d.scope.failed) > before {
			return
		}
		list := secret.List{}
		if strings.TrimSpace(one.Reveal()) != "" {
			list = secret.List{one}
		}
		v.Set(reflect.ValueOf(list))
	default:
		d.scope.unreadable(path, wrongForm(n, "a secret or a list of them"))
	}
}

// scalar reads the text of a single value, expands variables, reads file: values, and sets v.
func (d *decoder) scalar(
	n *yaml.Node, v reflect.Value, path string, fileAllowed bool, set func(reflect.Value, string) error,
) {
	if n.Kind != yaml.ScalarNode {
		d.scope.unreadable(path, wrongForm(n, "a single value"))
		return
	}
	if isNull(n) {
		d.scope.unreadable(path, `has no value; write one ("" for empty) or leave the key out`)
		return
	}
	text, err := d.expand(n.Value)
	if err == nil && fileAllowed && strings.HasPrefix(n.Value, filePrefix) {
		text, err = d.readFile(strings.TrimPrefix(text, filePrefix))
	}
	if err == nil {
		err = set(v, text)
	}
	if err != nil {
		d.scope.unreadable(path, err.Error())
	}
}

func setString(v reflect.Value, text string) error {
	v.SetString(text)
	return nil
}

func setText(v reflect.Value, text string) error {
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
}

func setDuration(v reflect.Value, text string) error {
	duration, err := parseDuration(text)
	if err == nil {
		v.SetInt(int64(duration))
	}
	return err
}

func setDecimal(v reflect.Value, text string) error {
	if text == "" {
		v.SetZero()
		return nil
	}
	if !plainDecimal.MatchString(text) {
		return fmt.Errorf(`%q is not an amount; write digits such as "1499.50", without currency or thousands `+
			`separators`, text)
	}
	amount, err := decimal.NewFromString(text)
	if err == nil {
		v.Set(reflect.ValueOf(amount))
	}
	return err
}

func setBool(v reflect.Value, text string) error {
	switch strings.ToLower(text) {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	default:
		return fmt.Errorf("%q is neither true nor false; write one of them", text)
	}
	return nil
}

func setInt(v reflect.Value, text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v.OverflowInt(n) {
		return fmt.Errorf("%q is not a whole number; write one such as 5", text)
	}
	v.SetInt(n)
	return nil
}

func setFloat(v reflect.Value, text string) error {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return fmt.Errorf("%q is not a number; write one such as 0.1", text)
	}
	v.SetFloat(n)
	return nil
}

func setterFor(t reflect.Type) func(reflect.Value, string) error {
	switch t.Kind() {
	case reflect.String:
		return setString
	case reflect.Bool:
		return setBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return setInt
	case reflect.Float32, reflect.Float64:
		return setFloat
	}
	panic("config: no way to read a " + t.String() + " from YAML; give it UnmarshalText")
}

// wrongForm names the form that was found and the one that was expected. It does not show the value, which may be a
// misplaced secret.
func wrongForm(n *yaml.Node, wanted string) string {
	there := "a single value"
	switch {
	case n.Kind == yaml.MappingNode:
		there = "a mapping"
	case n.Kind == yaml.SequenceNode:
		there = "a list"
	case isNull(n):
		there = "nothing"
	}
	return "must be " + wanted + ", not " + there
}
