package view

import (
	"testing"

	"ringback/internal/cart"
	"ringback/internal/postgres"

	"github.com/stretchr/testify/assert"
)

func TestArms_SmallOnesAreNotCompared(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "Called group: 12.5 % bought. Control group, never called: 1 of 29 bought (too few to compare).", compareArms([]postgres.Arm{
		{Arm: cart.ArmCall, Carts: 400, Purchased: 50}, {Arm: cart.ArmHoldout, Carts: 29, Purchased: 1},
	}))
}
