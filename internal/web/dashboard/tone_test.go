package dashboard

import (
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
)

func TestTone_EveryStateAndCallHasOne(t *testing.T) {
	t.Parallel()
	for _, state := range cart.States() {
		assert.NotEmpty(t, stateTone(state), state)
	}
	for _, call := range []cart.Call{
		{State: cart.Placing}, {State: cart.Uncertain}, {State: cart.Placed}, {State: cart.Ringing}, {State: cart.Talking}, {State: cart.Ended},
		{State: cart.Rejected}, {State: cart.Closed, Outcome: cart.Lost},
	} {
		assert.NotEmpty(t, callTone(&call))
	}
}
