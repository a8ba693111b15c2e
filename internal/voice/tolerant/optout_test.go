package tolerant_test

import (
	"testing"

	"ringback/internal/config"
	"ringback/internal/voice/tolerant"

	"github.com/stretchr/testify/assert"
)

func TestSuspectsOptOut_WhereTheAnalysisDoesNotAnswer(t *testing.T) {
	t.Parallel()
	names := config.Insights{OptedOut: "do_not_call"}
	turn := func(role, text string) any { return map[string]any{"role": role, "content": text} }
	for name, c := range map[string]struct {
		transcript any
		analysis   tolerant.Object
		want       bool
	}{
		"a text":              {transcript: "Agent: Hello!\nUser: Please STOP calling me.", want: true},
		"a curly apostrophe":  {transcript: "Don’t call me ever", want: true},
		"German":              {transcript: "Bitte rufen Sie mich nicht mehr an!", want: true},
		"Hindi":               {transcript: "अब कॉल मत करना", want: true},
		"nothing of the kind": {transcript: "Please call me tomorrow, I will not stop you."},
		"the agent's line":    {transcript: "Agent: Say stop calling and we will not call again.\nUser: Go on."},
		"no transcript":       {},
		"the customer's turn": {want: true,
			transcript: []any{turn("assistant", "Hello"), turn("user", "Remove me from your list")}},
		"the agent's turn": {
			transcript: []any{turn("assistant", "Say stop calling to opt out"), turn("user", "No, go on")}},
		"nested": {want: true,
			transcript: map[string]any{"messages": []any{turn("customer", "no more calls")}}},
		"plain turns":            {transcript: []any{"hello", "take me off"}, want: true},
		"the analysis says no":   {transcript: "stop calling", analysis: tolerant.Object{"do_not_call": false}},
		"the analysis says yes":  {transcript: "stop calling", analysis: tolerant.Object{"do_not_call": "Yes"}},
		"the analysis is silent": {transcript: "stop calling", analysis: tolerant.Object{"other": true}, want: true},
	} {
		assert.Equal(t, c.want, tolerant.SuspectsOptOut(names, c.transcript, c.analysis), name)
	}
}
