package tolerant_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"ringback/internal/voice/tolerant"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func decode(t *testing.T, text string) tolerant.Object {
	t.Helper()
	all, err := tolerant.Decode([]byte(text))
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func TestObject(t *testing.T) {
	t.Parallel()
	o := decode(t, `{"id":12345678901234567890,"name":" Ann\n Lee ","null":null,"flag":"Yes","list":["a",2,null,{}],"alone":"b","nested":{"x":1},
		"seconds":"45.6","minus":-1,"long":1e12,"money":"12.50","huge":"1e999999999","at":"2026-03-04T10:00:00+05:30","unix":1772600000,"millis":1772600000000,"old":5,
		"url":"https://x.example/a","script":"javascript:x","spaced":"https://x.example/a\nb"}`)
	assert.Equal(t, "12345678901234567890", o.Word("null", "id"))
	assert.Equal(t, "Ann Lee", o.Text("missing", "name"))
	assert.Empty(t, o.Word("nested", "list", "null"))
	assert.Equal(t, []string{"a", "2"}, o.Texts("missing", "list"))
	assert.Equal(t, []string{"b"}, o.Texts("alone"))
	assert.Nil(t, o.Texts("nested", "null"))
	assert.Equal(t, "1", o.Object("list", "nested").Word("x"))
	assert.Nil(t, o.Object("missing").Object("deeper"))
	assert.Equal(t, 46, *o.Seconds("minus", "long", "name", "seconds"))
	assert.Nil(t, o.Seconds("minus", "long"))
	assert.Equal(t, "12.5", o.Decimal("huge", "name", "money").String())
	assert.Nil(t, o.Decimal("huge", "nested"))
	assert.Equal(t, "https://x.example/a", o.URL("script", "spaced", "id", "url"))
	assert.Empty(t, o.URL("script", "spaced"))
	assert.Equal(t, time.Date(2026, 3, 4, 4, 30, 0, 0, time.UTC), o.Time("name", "at"))
	assert.Equal(t, o.Time("unix"), o.Time("millis"))
	assert.True(t, o.Time("old", "name", "nested").IsZero())
	assert.Equal(t, "Yes", o.Fold("FLAG"))
	assert.Nil(t, o.Fold(""))
	assert.Equal(t, json.Number("-1"), o.Value("null", "minus"))
}

func TestRaw(t *testing.T) {
	t.Parallel()
	assert.Nil(t, tolerant.Raw(nil))
	assert.Nil(t, tolerant.Raw(strings.Repeat("x", 40<<10)), "too large to keep")
	o := decode(t, `{"a\u0000":"b\u0000c","n":12.50,"big":1e5000,"deep":`+strings.Repeat(`{"x":`, 30)+"1"+strings.Repeat("}", 30)+`}`)
	raw := string(tolerant.Raw(map[string]any(o)))
	assert.Contains(t, raw, `"a":"bc"`)
	assert.Contains(t, raw, `"n":12.50`)
	assert.Contains(t, raw, `"big":"1e5000"`)
	assert.Equal(t, 16, strings.Count(raw, "{"), "what is nested deeper is left out")
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "5", "null", "[]", "[1]", "{} {}", `{"a":`} {
		_, err := tolerant.Decode([]byte(text))
		require.Error(t, err, text)
	}
	all, err := tolerant.Decode([]byte("[" + strings.Repeat("{},", 200) + "{}]"))
	require.NoError(t, err)
	assert.Len(t, all, 50, "a list has its bounds")
}

func TestMoment(t *testing.T) {
	t.Parallel()
	o := decode(t, `{"text":" 18:30 ","unix":1772715600,"nested":{"value":"tomorrow 5pm"},"list":[1],"small":5}`)
	assert.Equal(t, "18:30", tolerant.Moment(o["text"]))
	assert.Equal(t, "2026-03-05T13:00:00+00:00", tolerant.Moment(o["unix"]))
	assert.Equal(t, "tomorrow 5pm", tolerant.Moment(o["nested"]))
	assert.Empty(t, tolerant.Moment(o["list"]))
	assert.Empty(t, tolerant.Moment(o["small"]))
	assert.Empty(t, tolerant.Moment(nil))
}

func TestReadAnswer_ReadsWhatAnalysesSay(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]tolerant.Answer{
		`true`: tolerant.Yes, `false`: tolerant.No, `1`: tolerant.Yes, `0`: tolerant.No, `null`: tolerant.Absent,
		`""`: tolerant.Absent, `" "`: tolerant.Absent, `"null"`: tolerant.Absent, `"None"`: tolerant.Absent, `{}`: tolerant.Absent, `[]`: tolerant.Absent,
		`"Yes, the customer asked not to be called again."`: tolerant.Yes,
		`"yes."`: tolerant.Yes, `"YES!"`: tolerant.Yes, `"Yes - she was angry"`: tolerant.Yes, `"True"`: tolerant.Yes, `"Sí, lo pidió"`: tolerant.Yes,
		`"haan, mat karo"`: tolerant.Yes, `"Ja."`: tolerant.Yes, `"हाँ"`: tolerant.Yes,
		`"No"`: tolerant.No, `"No, he will think about it."`: tolerant.No, `"false."`: tolerant.No, `"Not mentioned"`: tolerant.No,
		`"Did not ask"`: tolerant.No, `"Nahi"`: tolerant.No, `"nein, danke"`: tolerant.No,
		`"The customer said: stop calling me."`: tolerant.Unclear, `"maybe"`: tolerant.Unclear, `"unknown"`: tolerant.Unclear, `"n/a"`: tolerant.Unclear,
		`"Not sure"`: tolerant.Unclear, `"no idea"`: tolerant.Unclear, `"No clear answer"`: tolerant.Unclear, `"Yes and no"`: tolerant.Unclear,
		`"yes/no"`: tolerant.Unclear, `"yesterday"`: tolerant.Unclear, `"nobody"`: tolerant.Unclear, `"?"`: tolerant.Unclear,
		`"Yes, no more calls."`: tolerant.Yes, `"yes no contact please"`: tolerant.Yes, `"No more calls please"`: tolerant.Unclear,
		`"Never call again"`: tolerant.Unclear, `"No further contact"`: tolerant.Unclear, `"No quiere más llamadas"`: tolerant.Unclear,
		`"Did not want to be called again"`: tolerant.Unclear, `"Didn’t like the call"`: tolerant.Unclear, `"No, do not call me again"`: tolerant.Unclear,
		`"No, the customer did not ask us to stop calling"`: tolerant.No, `"No the customer was friendly"`: tolerant.No,
		`"No - did not come up"`: tolerant.No, `"No."`: tolerant.No, `"No opt-out"`: tolerant.No, `"Didn’t mention it"`: tolerant.No,
		`0.7`: tolerant.Unclear, `2`: tolerant.Unclear,
		`["yes"]`: tolerant.Yes, `["no", "Yes, later"]`: tolerant.Yes, `["no", false]`: tolerant.No, `["no", "perhaps"]`: tolerant.Unclear, `["perhaps", "no"]`: tolerant.Unclear,
		`{"value": true, "reason": "was angry"}`: tolerant.Yes, `{"Answer": "No."}`: tolerant.No, `{"value": null, "reason": "-"}`: tolerant.Absent,
		`{"result": {"value": "yes"}}`: tolerant.Yes, `{"text": "stop it"}`: tolerant.Unclear,
	} {
		objects, err := tolerant.Decode([]byte(`{"v": ` + text + `}`))
		require.NoError(t, err)
		assert.Equal(t, want, tolerant.ReadAnswer(objects[0]["v"]), text)
	}
}
