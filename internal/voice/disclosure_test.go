package voice_test

import (
	"testing"

	"ringback/internal/voice"

	"github.com/stretchr/testify/assert"
)

func TestRequest_SaysWhatMustBeSaidBeforeTheGreeting(t *testing.T) {
	t.Parallel()
	const must = "This is an automated call from Acme."
	for _, c := range []struct{ disclosure, greeting, says string }{
		{"", "Hello Ann!", "Hello Ann!"},
		{must, "Hello Ann!", must + " Hello Ann!"},
		{must, "", must},
		{must, "Hello Ann! this is an AUTOMATED call from acme. It is about your cart.",
			"Hello Ann! this is an AUTOMATED call from acme. It is about your cart."},
		{"", " ", ""},
	} {
		assert.Equal(t, c.says, voice.Request{Disclosure: c.disclosure}.Disclosed(c.greeting))
	}
}
