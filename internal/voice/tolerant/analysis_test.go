package tolerant_test

import (
	"strings"
	"testing"

	"ringback/internal/cart"
	"ringback/internal/config"
	"ringback/internal/voice/tolerant"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFindings_KeepTheTypesThatWereTold(t *testing.T) {
	t.Parallel()
	told := decode(t, `{"size":"M","pieces":3,"price":12.50,"glad":true,"none":null,"liked":["red","blue"],
		"by":{"who":"her"},
		"long":"`+strings.Repeat("x", 5000)+`","summary":"left out","huge":["`+strings.Repeat("y", 9000)+`"]}`)
	found := tolerant.Findings([]string{"summary"}, told, decode(t, `{"size":"L","colour":"red"}`))
	values := map[string]string{}
	for i, f := range found {
		values[f.Name] = f.Value
		if i > 0 {
			assert.Less(t, found[i-1].Name, f.Name)
		}
	}
	assert.Less(t, len(values["long"]), 1000)
	delete(values, "long")
	assert.Equal(t, map[string]string{
		"size": `"M"`, "pieces": "3", "price": "12.50", "glad": "true", "liked": `["red","blue"]`, "by": `{"who":"her"}`,
		"colour": `"red"`,
	}, values)
	assert.Equal(t, "yes", cart.Finding{Value: "true"}.Text())
	assert.Equal(t, "M", cart.Finding{Value: `"M"`}.Text())
	assert.Equal(t, `["red"]`, cart.Finding{Value: `["red"]`}.Text())
}

func TestInsights_TellWhoAnsweredAndWhatBecameOfTheOffer(t *testing.T) {
	t.Parallel()
	names := config.Insights{
		Voicemail: "voicemail", Screened: "screened", OfferMentioned: "told", OfferAccepted: "took", Reason: "why",
	}
	for body, want := range map[string]cart.Insights{
		`{"voicemail":true}`:                   {Voicemail: true},
		`{"Voicemail":"Yes, a mailbox."}`:      {Voicemail: true},
		`{"voicemail":false}`:                  {Person: true},
		`{"voicemail":"possibly"}`:             {},
		`{"screened":"yes"}`:                   {Screened: true},
		`{"told":true,"took":false}`:           {OfferMentioned: true},
		`{"told":"No","took":"not mentioned"}`: {OfferUnmentioned: true},
		`{"took":true}`:                        {OfferAccepted: true},
	} {
		in, _, _ := tolerant.Insights(names, decode(t, body))
		assert.Equal(t, want, in, body)
	}
	for body, want := range map[string]string{
		`{"why":"Shipping cost"}`: "Shipping cost", `{"why":["price","trust"]}`: "price",
		`{"why":{"value":"price"}}`: "price",
		`{"why":null}`:              "", `{"why":7}`: "", `{}`: "",
	} {
		_, reason, _ := tolerant.Insights(names, decode(t, body))
		assert.Equal(t, want, reason, body)
	}
}

func TestTranscript_OneTurnALine(t *testing.T) {
	t.Parallel()
	o := decode(t, `{"text":"agent: Hello.\n\n customer:  Hi!\u0007",
		"turns":[{"role":"agent","content":"Hello."},{"text":"Hi!"},"Bye.",7,null],
		"long":"`+strings.Repeat("word ", 40_000)+`","object":{}}`)
	assert.Equal(t, "agent: Hello.\ncustomer: Hi!", tolerant.Transcript(o["text"]))
	assert.Equal(t, "agent: Hello.\nHi!\nBye.\n7", tolerant.Transcript(o["turns"]))
	assert.Less(t, len(tolerant.Transcript(o["long"])), 61_000)
	assert.Empty(t, tolerant.Transcript(o["object"]))
	assert.Empty(t, tolerant.Transcript(nil))
}

func TestDiscount_ThatTheAgentGave(t *testing.T) {
	t.Parallel()
	o := decode(t, `{"full":{"code":"TEN","reason":"price"},"word":"TEN","nameless":{"reason":"price"},
		"empty":{},"none":null,"no":""}`)
	for key, want := range map[string]string{"full": "TEN", "word": "TEN", "nameless": ""} {
		got := tolerant.Discount(o[key])
		require.NotNil(t, got, key)
		assert.Equal(t, want, *got, key)
	}
	for _, key := range []string{"empty", "none", "no", "missing"} {
		assert.Nil(t, tolerant.Discount(o[key]), key)
	}
	assert.Equal(t, "positive", tolerant.Mood(map[string]any{"overall": "positive"}))
	assert.Empty(t, tolerant.Mood(o["full"]))
	assert.True(t, *tolerant.Success("yes"))
	assert.Nil(t, tolerant.Success("perhaps"))
}
