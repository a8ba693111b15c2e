package policy

import (
	"strings"
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
)

func TestEveryReasonHasItsSentence(t *testing.T) {
	t.Parallel()
	said := map[string]cart.Reason{}
	for _, r := range cart.Reasons() {
		s := Sentence(r)
		assert.True(t, strings.HasSuffix(s, ".") && len(s) > 10, "%s: %q", r, s)
		assert.Empty(t, said[s], "%s and %s say the same", said[s], r)
		said[s] = r
	}
	assert.Empty(t, Sentence("unheard_of"))
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "Caps, per phone: 1 of 1 call in 24h: wait", Describe(cart.Step{Rule: "caps.per_phone", Saw: "1 of 1 call in 24h", Verdict: cart.VerdictWait}))
	assert.Equal(t, "State: waiting: fine", Describe(cart.Step{Rule: "state", Saw: "waiting", Verdict: cart.VerdictOK}))
	assert.Equal(t, "Phone: not callable as it is", Describe(cart.Step{Rule: "phone", Verdict: cart.VerdictWatch}))
	assert.Equal(t, "Expiry: stop", Describe(cart.Step{Rule: "expiry", Verdict: cart.VerdictStop}))
	assert.Equal(t, "Other call: passed over", Describe(cart.Step{Rule: "other_call", Verdict: cart.VerdictSkipped}))
	assert.Equal(t, "Rule", Describe(cart.Step{}))
}
