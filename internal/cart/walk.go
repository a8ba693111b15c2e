package cart

import "slices"

// MostOthers is how many customer accounts, email addresses or numbers may be told together with a key before it counts
// as shared. A household or somebody with many addresses has fewer; a switchboard, or an address that a shop types in
// for all who have none, has more.
const MostOthers = 8

// The bounds of a walk. Nobody has as many keys; whatever has would be several people.
const (
	mostKeys  = 64
	mostSteps = 16
)

// Told is a cart or an order that was found under a key, with all the keys that it was told with.
type Told[K, O comparable] struct {
	Owner O
	Under K
	Keys  []K
}

// Tie says how a cart or an order is tied to a person.
type Tie[K comparable] struct {
	// Direct are the person's own keys that it stands under; none when it was found through others only.
	Direct []K
	// Shared is true when it stands under keys only that many people share.
	Shared bool
}

// Reach is what a walk found.
type Reach[K, O comparable] struct {
	// Keys are the keys that it began with, then those found through what stands under them.
	Keys []K
	// Shared are those of Keys that many people use. Only keys that it began with can be among them.
	Shared []K
	Ties   map[O]Tie[K]
}

// Walk finds what belongs to the person known by the keys of start. What stands under one of them is the person's. The
// keys that it was told with are the person's too, and so on: who bought or opted out under one name is the same under
// another. A shared key is where this ends. What stands under it is found when the walk began with it, but nobody is
// reached through it.
//
// look returns what stands under each of some keys, or the newest of it where that is much. kindOf says of which kind a
// key is. What is found does not depend on the order in which anything was told.
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

// sharedAmong tells which of some keys are shared, by what was told together with each.
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
