package postgres

import "ringback/internal/seal"

// Person is whatever is known of somebody. Phones are E.164.
type Person struct {
	CustomerID string
	Email      string
	Phones     []string
}

// Unknown reports whether nothing is known by which the person could be found.
func (p Person) Unknown() bool { return p.CustomerID == "" && p.Email == "" && len(p.Phones) == 0 }

func phoneKeys(h seal.Hasher, phones []string) [][]byte {
	keys := make([][]byte, 0, len(phones))
	for _, p := range phones {
		if key := h.Phone(p); key != nil {
			keys = append(keys, key)
		}
	}
	return keys
}
