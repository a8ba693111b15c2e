package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"ringback/internal/cart"
)

// holdout keeps the store's share of customers from being called, so that the effect of calling can be measured. It is
// checked only once every other rule agrees to the first call, so that both arms have the same kind of carts. A cart
// keeps its arm.
func (d *decider) holdout() bool {
	if d.facts.Forced {
		d.say("an operator asked for a call")
		d.skipped()
		return false
	}
	arm := d.cart.Arm
	switch {
	case arm != "":
		d.say("decided before: ", string(arm))
	case d.cart.Attempts > 0 || d.rules.Holdout <= 0:
		arm = cart.ArmCall
		d.say("not held out")
	default:
		arm = armOf(d.cart.Shop, d.cart.Phone, d.rules.HoldoutSalt, d.rules.Holdout)
		d.say("drawn: ", string(arm))
	}
	d.decision.Arm = arm
	if arm == cart.ArmHoldout {
		return d.stop(cart.Holdout)
	}
	d.ok()
	return false
}

// armOf draws a customer's arm. It is the same for the same shop, phone and salt. A customer who is held out at a small
// share is held out at every larger one.
func armOf(shop, phone, salt string, share float64) cart.Arm {
	buffer := [160]byte{}
	text := append(buffer[:0], shop...)
	text = append(text, 0)
	text = append(text, phone...)
	text = append(text, 0)
	text = append(text, salt...)
	sum := sha256.Sum256(text)
	if float64(binary.BigEndian.Uint64(sum[:8]))/math.MaxUint64 < share {
		return cart.ArmHoldout
	}
	return cart.ArmCall
}
