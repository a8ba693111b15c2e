package policy

import (
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// In India a clean check of the registry permits a call that no consent to automated calls does.
func TestPrecheck_AnswersForTheRegistries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		prechecked bool
		precheck   *Precheck
		want       cart.Action
		reason     cart.Reason
	}{
		{"nothing asks the registry", false, nil, cart.ActWatch, cart.NoConsent},
		{"not asked yet: a line may be given", true, nil, cart.ActCall, cart.Due},
		{"allowed", true, &Precheck{Verdict: PrecheckAllow, AskedAt: noonInIndia}, cart.ActCall, cart.Due},
		{"no answer, and the store would call", true, &Precheck{Verdict: PrecheckAllow, Failed: true, Reason: "timeout"},
			cart.ActWait, cart.PrecheckWait},
		{"stopped", true, &Precheck{Verdict: PrecheckStop, AskedAt: noonInIndia}, cart.ActStop, cart.PrecheckStop},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := DefaultRules()
			r.Consent = On(ConsentNotRequired)
			store := testStore
			store.Prechecked = c.prechecked
			require.NoError(t, r.Compile(store))
			d := Decide(&r, Facts{Cart: due(), Queried: &QueriedFacts{Precheck: c.precheck}}, noonInIndia)
			assert.Equal(t, c.want, d.Action, d.Trace)
			assert.Equal(t, c.reason, d.Reason)
		})
	}
}
