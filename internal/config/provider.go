package config

import (
	"reflect"
	"slices"
	"strings"
)

// Provider describes a voice API to the loader. This package knows no voice API: their packages import it, and the
// program hands their descriptions to Load.
type Provider struct {
	// Name is the value of voice.provider.
	Name string
	// Title is the API's name as messages write it.
	Title string
	// BaseURL is the default of voice.base_url; empty where every account has an address of its own.
	BaseURL string
	// Lines is the number of calls at once that the API documents for an assistant; 0 when it documents none.
	Lines int
	// OwnRetries is true when the API can redial by itself after an unanswered call.
	OwnRetries bool
	// Keys describes the keys under voice that the API needs, and all those of its own.
	Keys []Key
	// Settings makes an empty struct, as a pointer, into which the API's own keys are decoded by their yaml tags. Two
	// providers may have a key of the same name; it then has the same type in both structs.
	Settings func() Settings
}

// Key is a key under voice as one provider uses it.
type Key struct {
	Name string
	// What says what the value is, such as "the workspace's id".
	What string
	// Required keys must have a value.
	Required bool
	// Or is a key that may be given in place of a required one.
	Or string
	// Onboarded keys name what `ringback onboard` makes, and may be missing until then.
	Onboarded bool
	// Kept keys may stand without a warning in a store that uses another provider: a store that has moved keeps its
	// former keys until the calls that were placed with them are over.
	Kept bool
}

// Settings are the keys under voice that a provider has of its own. They are shared by all copies of a Voice and must
// not be changed after loading.
type Settings interface {
	// Problems lists what is wrong with a section, other than required keys that are missing.
	Problems(Voice) []Finding
}

// Finding is what a provider finds wrong with a voice section.
type Finding struct {
	// Key is relative to voice, such as "onboarding.agent.gender".
	Key string
	// Message names the value and the fix. It never holds a secret.
	Message string
	// Warning is true for what is permitted and probably not meant.
	Warning bool
}

// Missing lists the required keys that have no value in a section.
func (p Provider) Missing(v Voice) []Key {
	var missing []Key
	for _, key := range p.Keys {
		if key.Required && !v.has(key.Name) && !v.has(key.Or) {
			missing = append(missing, key)
		}
	}
	return missing
}

// OwnKeys lists the keys under voice that the provider has besides those of every provider.
func (p Provider) OwnKeys() []string { return namesOf(reflect.TypeOf(p.Settings()).Elem()) }

// has reports whether a key of the section has a value.
func (v Voice) has(key string) bool {
	return hasValue(&v, key) || v.Settings != nil && hasValue(v.Settings, key)
}

// hasValue reports whether a struct, given by its pointer, has a key and a value there.
func hasValue(section any, key string) bool {
	s := reflect.ValueOf(section).Elem()
	for _, f := range fieldsOf(s.Type()) {
		if f.name == key {
			return isSet(s.FieldByIndex(f.index))
		}
	}
	return false
}

func isSet(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return strings.TrimSpace(v.String()) != ""
	case reflect.Slice, reflect.Map:
		return v.Len() > 0
	}
	return !v.IsZero()
}

// namesOf lists the keys of a struct type.
func namesOf(t reflect.Type) []string {
	var names []string
	for _, f := range fieldsOf(t) {
		names = append(names, f.name)
	}
	return names
}

// providers are those that a file may name.
type providers []Provider

func (all providers) names() []string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return names
}

func (all providers) find(name string) (Provider, bool) {
	i := slices.IndexFunc(all, func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return Provider{}, false
	}
	return all[i], true
}

// keys lists the keys under voice of one provider, or of all of them when there is none of that name.
func (all providers) keys(name string) []string {
	keys := namesOf(voiceType)
	for _, p := range all {
		if _, known := all.find(name); known && p.Name != name {
			continue
		}
		for _, key := range p.OwnKeys() {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// kept reports whether a key may stand without a warning in a store that uses another provider.
func (all providers) kept(key string) bool {
	return slices.ContainsFunc(all, func(p Provider) bool {
		return slices.ContainsFunc(p.Keys, func(k Key) bool { return k.Name == key && k.Kept })
	})
}
