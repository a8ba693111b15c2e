package postgres

import "ringback/internal/seal"

// Person is whatever is known of somebody. Phones are E.164.
type Person struct {
	CustomerID string
	Email      string
	Phones     []string
}

func phoneKeys(h seal.Hasher, phones []string) [][]byte {
	keys := make([][]byte, 0, len(phones))
	for _, p := range phones {
		if key := h.Phone(p); key != nil {
			keys = append(keys, key)
		}
	}
	return keys
}
