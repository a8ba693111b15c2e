package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"ringback/internal/secret"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// upper reads itself from text, and refuses what is not in capitals.
type upper string

func (u *upper) UnmarshalText(text []byte) error {
	if s := string(text); s != strings.ToUpper(s) {
		return errors.New("is not in capitals")
	}
	*u = upper(text)
	return nil
}

// either is a word or a mapping.
type either struct {
	Word string `yaml:"word"`
	List []int  `yaml:"list"`
}

func (e *either) UnmarshalText(text []byte) error {
	e.Word = string(text)
	return nil
}

type item struct {
	Name  string        `yaml:"name"`
	Every time.Duration `yaml:"every"`
}

type everything struct {
	Text     string           `yaml:"text"`
	Path     string           `yaml:"path" file:"allowed"`
	Yes      bool             `yaml:"yes"`
	Maybe    *bool            `yaml:"maybe"`
	Count    int              `yaml:"count"`
	Small    int8             `yaml:"small"`
	Share    float64          `yaml:"share"`
	Amount   decimal.Decimal  `yaml:"amount"`
	Bound    *decimal.Decimal `yaml:"bound"`
	Optional *item            `yaml:"optional"`
	Loud     upper            `yaml:"loud"`
	LoudList []upper          `yaml:"loud_list"`
	Items    []item           `yaml:"items"`
	Words    map[upper]item   `yaml:"words"`
	Either   map[string]either
	Eithers  map[string]either `yaml:"eithers"`
	Hidden   string            `yaml:"-"`
}

// decodeText decodes text over into, and gives what is wrong with it.
func decodeText(t require.TestingT, text string, into any) error {
	found := newFindings("f.yml")
	root := parseTree([]byte(text), found)
	require.NotNil(t, root)
	d := decoder{
		sources: sources{env: testEnv, dir: "testdata"},
		scope:   &scope{found: found, own: root},
	}
	d.value(root, reflect.ValueOf(into).Elem(), "", false)
	return found.err()
}

func ptr[T any](v T) *T { return &v }

func TestDecode_ReadsEveryForm(t *testing.T) {
	t.Parallel()
	got := everything{
		Items:    []item{{Name: "gone"}},
		Words:    map[upper]item{"KEPT": {Name: "kept"}, "A": {Name: "a", Every: time.Second}},
		Optional: &item{Name: "there"},
		Bound:    ptr(decimal.NewFromInt(9)),
	}
	before := got
	require.NoError(t, decodeText(t, `
text: 0123
path: file:secrets/public_key
yes: True
maybe: false
count: -7
small: 127
share: 0.25
amount: 1499.50
bound: ""
optional: {every: 2h}
loud: HEY
loud_list: [A, B]
items: [{name: x}, {every: 1d}]
words: {A: {name: b}, B: {}}
eithers: {a: on, b: {list: [1, 2]}, c: {list: []}}
`, &got))
	assert.Equal(t, everything{
		Text:     "0123",
		Path:     "pk_from_a_file",
		Yes:      true,
		Maybe:    ptr(false),
		Count:    -7,
		Small:    127,
		Share:    0.25,
		Amount:   decimal.RequireFromString("1499.50"),
		Optional: &item{Name: "there", Every: 2 * time.Hour},
		Loud:     "HEY",
		LoudList: []upper{"A", "B"},
		Items:    []item{{Name: "x"}, {Every: 24 * time.Hour}},
		Words:    map[upper]item{"KEPT": {Name: "kept"}, "A": {Name: "b", Every: time.Second}, "B": {}},
		Eithers:  map[string]either{"a": {Word: "on"}, "b": {List: []int{1, 2}}, "c": {List: []int{}}},
	}, got)
	assert.Equal(t, map[upper]item{"KEPT": {Name: "kept"}, "A": {Name: "a", Every: time.Second}}, before.Words, "the defaults' map is not written to")
	assert.Equal(t, &item{Name: "there"}, before.Optional, "nor what its pointers point to")
}

func TestDecode_NullLeavesOptionalValuesOut(t *testing.T) {
	t.Parallel()
	got := everything{Optional: &item{}, Maybe: ptr(true), Words: map[upper]item{"A": {}}}
	require.NoError(t, decodeText(t, "{optional: null, maybe: ~, words: , eithers: null}", &got))
	assert.Equal(t, everything{Words: map[upper]item{"A": {}}}, got)
}

func TestDecode_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"small: 128":                "small: \"128\" is not a whole number",
		"count: 1_000":              "count: \"1_000\" is not a whole number",
		"share: nan":                "share: \"nan\" is not a number",
		"amount: 1e9":               "amount: \"1e9\" is not an amount",
		"amount: ₹500":              "amount: \"₹500\" is not an amount",
		"bound: 1,000":              "bound: \"1,000\" is not an amount",
		"maybe: 2":                  "maybe: \"2\" is neither true nor false",
		"loud: hey":                 "loud: is not in capitals",
		"loud_list: [A, b]":         "loud_list[1]: is not in capitals",
		"loud: [A]":                 "loud: must be a single value, not a list",
		"words: {a: {}}":            "words.a: is not in capitals",
		"words: {A: {nam: x}}":      "words.A.nam: unknown key; did you mean \"name\"?",
		"items: [{name: [x]}]":      "items[0].name: must be a single value, not a list",
		"eithers: {a: {words: x}}":  "eithers.a.words: unknown key; did you mean \"word\"?",
		"optional: [a]":             "optional: must be a mapping of keys to values, not a list",
		"text: ":                    "text: has no value",
		"Hidden: x":                 "Hidden: unknown key",
		"text: file:secrets/none":   "",
		"path: file:secrets/none":   "path: cannot read the file",
		"items: [{every: -0.5s}]":   "items[0].every: \"-0.5s\" is negative",
		"items: [{every: 40000d}]":  "items[0].every: \"40000d\" is too long",
		"items: [{every: 900000h}]": "items[0].every: \"900000h\" is too long",
		"items: [{every: \"\"}]":    "items[0].every: is empty",
		"every: 1h":                 "every: unknown key",
		"Either: {}":                "Either: unknown key; did you mean \"eithers\"?",
	} {
		err := decodeText(t, text, &everything{})
		if want == "" {
			assert.NoError(t, err, text)
			continue
		}
		var problems *Error
		if assert.ErrorAs(t, err, &problems, text) && assert.Len(t, problems.Problems, 1, text) {
			assert.Contains(t, problems.Problems[0].String(), ": "+want, text)
		}
	}
}

func TestDecode_SecretFileMustExistAndBeSmall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir+"/large", strings.Repeat("x", maxSecretFile+1))
	writeFile(t, dir+"/largest", strings.Repeat("x", maxSecretFile))
	writeFile(t, dir+"/lines", "a\nb\n\n")
	for path, want := range map[string]string{
		dir + "/large":   "larger than",
		dir:              "not a regular file",
		dir + "/none":    "no such file",
		dir + "/largest": "",
		dir + "/lines":   "",
	} {
		var got struct {
			Secret secret.Secret `yaml:"secret"`
		}
		err := decodeText(t, "secret: file:"+path, &got)
		if want != "" {
			assert.ErrorContains(t, err, want)
			assert.ErrorContains(t, err, path)
			assert.False(t, got.Secret.Set())
			continue
		}
		require.NoError(t, err)
		assert.NotEmpty(t, got.Secret.Reveal())
		assert.NotContains(t, got.Secret.Reveal()[len(got.Secret)-1:], "\n")
	}
}

func TestDecode_FileMarkerIsNotTakenFromTheEnvironment(t *testing.T) {
	t.Parallel()
	found := newFindings("f.yml")
	root := parseTree([]byte("${X}"), found)
	d := decoder{
		sources: sources{env: func(string) (string, bool) { return "file:testdata/secrets/public_key", true }},
		scope:   &scope{found: found, own: root},
	}
	var one secret.Secret
	d.value(root, reflect.ValueOf(&one).Elem(), "", false)
	require.NoError(t, found.err())
	assert.Equal(t, "file:testdata/secrets/public_key", one.Reveal())
}
