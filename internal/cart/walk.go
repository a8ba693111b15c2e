package cart

import "slices"

// MostOthers is how many customer accounts, email addresses or numbers may appear together with a key before it counts
// as shared. A household, or somebody with many addresses, has fewer. A switchboard has more, and so has an address
// that a shop types in for everybody who has none.
const MostOthers = 8

// The bounds of a walk. Nobody has as many keys: such a set would be several people.
const (
	mostKeys  = 64
	mostSteps = 16
)

// Told is a cart or an order that was found under a key, with all its keys.
type Told[K, O comparable] struct {
	Owner O
	Under K
	Keys  []K
}

// Tie says how a cart or an order is tied to a person.
type Tie[K comparable] struct {
	// Direct are the keys of the walk's start that it has; none when it was found only through other keys.
	Direct []K
	// Shared is true when it was found only under keys that many people share.
	Shared bool
}

// Reach is what a walk found.
type Reach[K, O comparable] struct {
	// Keys are the keys of the start, then those found on the way.
	Keys []K
	// Shared are those of Keys that many people use. They are all keys of the start.
	Shared []K
	Ties   map[O]Tie[K]
}

// Walk finds the carts and orders of the person known by the keys of start. A cart or an order that has one of the
// keys is the person's. All its other keys are the person's too, and so on: a customer who bought or opted out under
// one name is the same under another. The walk ends at a shared key: carts and orders under it are found if it is a
// key of the start, but their other keys are not followed.
//
// look returns the carts and orders that have some keys, or the newest of them if there are many. kindOf returns the
// kind of a key. The result does not depend on the order in which anything became known.
func Walk[K, O comparable](
	start []K, kindOf func(K) KeyKind, look func([]K) ([]Told[K, O], error),
) (Reach[K, O], error) {
	r := Reach[K, O]{Ties: map[O]Tie[K]{}}
	asked := map[K]bool{}
	var next []K
	for _, k := range start {
		if !asked[k] {
			asked[k] = true
			next = append(next, k)
		}
	}
	r.Keys = slices.Clone(next)
	for step := 0; len(next) > 0 && step < mostSteps; step++ {
		found, err := look(next)
		if err != nil {
			return r, err
		}
		shared := sharedAmong(next, found, kindOf)
		if step == 0 {
			for _, k := range next {
				if shared[k] {
					r.Shared = append(r.Shared, k)
				}
			}
		} else {
			for _, k := range next {
				if !shared[k] {
					r.Keys = append(r.Keys, k)
				}
			}
		}
		next = nil
		for _, t := range found {
			if shared[t.Under] && step > 0 {
				continue
			}
			tie, seen := r.Ties[t.Owner]
			if !seen {
				tie.Shared = true
			}
			tie.Shared = tie.Shared && shared[t.Under]
			if step == 0 && !slices.Contains(tie.Direct, t.Under) {
				tie.Direct = append(tie.Direct, t.Under)
			}
			r.Ties[t.Owner] = tie
			if shared[t.Under] {
				continue
			}
			for _, k := range t.Keys {
				if !asked[k] && len(asked) < mostKeys {
					asked[k] = true
					next = append(next, k)
				}
			}
		}
	}
	return r, nil
}

// sharedAmong says which of some keys are shared, by the other keys of what was found under each.
func sharedAmong[K, O comparable](keys []K, found []Told[K, O], kindOf func(K) KeyKind) map[K]bool {
	others := make(map[K]map[K]bool, len(keys))
	for _, t := range found {
		with := others[t.Under]
		if with == nil {
			with = map[K]bool{}
			others[t.Under] = with
		}
		for _, k := range t.Keys {
			if k != t.Under {
				with[k] = true
			}
		}
	}
	shared := map[K]bool{}
	for key, with := range others {
		counts := map[KeyKind]int{}
		for k := range with {
			counts[kindOf(k)]++
		}
		for _, n := range counts {
			if n > MostOthers {
				shared[key] = true
			}
		}
	}
	return shared
}
