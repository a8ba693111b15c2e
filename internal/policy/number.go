package policy

import "ringback/internal/cart"

// Number reads one number as typed, in the given country when it has no country code, and returns it in E.164; "" when it
// cannot be called.
func Number(typed, country string) string {
	p, _ := readNumber(cart.RawPhone{Number: typed}, "", country)
	return p.Number
}

// Numbers reads all numbers that can be called, each in the country of the address it stood in, else in address, else in
// the store's country, and returns them in E.164 without repeats.
func Numbers(typed []cart.RawPhone, address, store string) []string {
	var numbers []string
	seen := map[string]bool{}
	for _, raw := range typed {
		if p, ok := readNumber(raw, address, store); ok && !seen[p.Number] {
			seen[p.Number] = true
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}
