package cart_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"ringback/internal/cart"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// asTyped reads numbers that are written in E.164 already.
func asTyped(raw cart.RawPhone) string { return raw.Number }

func TestPerson_CheckoutCountsUnderEveryName(t *testing.T) {
	t.Parallel()
	p := cart.Checkout{
		Email:    " Typed@Example.com",
		Customer: cart.Customer{ID: "501", Email: "own@example.com"},
		Phones: []cart.RawPhone{
			{From: "phone", Number: "+919845001001"}, {From: "customer", Number: "+919845001002"},
			{From: "shipping", Number: "+919845001003"}, {From: "billing", Number: "+919845001004"},
			{From: "default_address", Number: "+919845001005"}, {From: "phone", Number: "+919845001001"},
		},
		SMSPhone: "+919845001006",
	}.Person(asTyped)
	told := map[string]string{}
	for _, k := range p.Keys {
		told[k.Value] = k.From
	}
	assert.Equal(t, map[string]string{
		"501": "the customer account", "typed@example.com": "the typed email", "own@example.com": "the account's email",
		"+919845001001": "the contact number", "+919845001002": "the account's number",
		"+919845001003": "the delivery number",
		"+919845001004": "the billing number", "+919845001005": "the number of the account's address",
		"+919845001006": "the number for text messages",
	}, told)
}

func TestPerson_OrderCountsUnderEveryName(t *testing.T) {
	t.Parallel()
	o := cart.Order{
		CustomerID: "501", Email: "a@example.com", Emails: []string{"B@example.com", "a@example.com"},
		Phones: []cart.RawPhone{{From: "shipping", Number: "+919845001003"}},
	}
	p := o.Person(asTyped)
	assert.Equal(t, []string{"501"}, p.CustomerIDs())
	assert.Equal(t, []string{"a@example.com", "b@example.com"}, p.Emails())
	assert.Equal(t, []string{"+919845001003"}, p.Numbers())

	var old cart.Order
	require.NoError(t, json.Unmarshal([]byte(`{"id":"9","email":"a@example.com"}`), &old))
	assert.Equal(t, []string{"a@example.com"}, old.Person(asTyped).Emails(), "an order kept before has one address")
}

func TestPerson_ValueThatTellsNobodyApartIsNoKey(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", " ", "0", "000"} {
		assert.True(t, cart.PersonWith(value, nil, nil).Unknown(), "customer %q", value)
	}
	for _, value := range []string{"", " ", "none", "n/a", "@", "@example.com", "somebody@", " @ "} {
		assert.True(t, cart.PersonWith("", []string{value}, nil).Unknown(), "email %q", value)
	}
	numbers := []string{"", "+", "9845001001", "+98450x1001", "+1 502 459 2181", "+911", "+15024592181;ext=41"}
	for _, value := range numbers {
		assert.True(t, cart.PersonWith("", nil, []string{value}).Unknown(), "number %q", value)
	}
}

func TestPerson_SharesNamesTheStrongestKey(t *testing.T) {
	t.Parallel()
	c := cart.Checkout{
		Customer: cart.Customer{ID: "5", Email: "own@example.com"},
		Phones:   []cart.RawPhone{{From: "billing", Number: "+919845001001"}},
	}.Person(asTyped)
	for _, tt := range []struct {
		other cart.Person
		want  string
	}{
		{cart.PersonWith("5", []string{"own@example.com"}, nil), "the customer account"},
		{cart.PersonWith("6", []string{"OWN@example.com"}, []string{"+919845001001"}), "the account's email"},
		{cart.PersonWith("", nil, []string{"+919845001001"}), "the billing number"},
		{cart.PersonWith("6", []string{"other@example.com"}, nil), ""},
		{cart.Person{}, ""},
	} {
		key, same := c.Shares(tt.other)
		assert.Equal(t, tt.want, key.From)
		assert.Equal(t, tt.want != "", same)
	}
}

func TestOrderSeen_BasisSaysWhatTheOrderWasMatchedBy(t *testing.T) {
	t.Parallel()
	named, seventh := cart.Order{Name: "#1003"}, cart.Order{Name: "#7"}
	for want, e := range map[string]cart.OrderSeen{
		"order #1003 under the account's email": {Order: named, Match: cart.MatchEmail,
			Under: "the account's email"},
		"order #1003 under the customer account":         {Order: named, Match: cart.MatchCustomer},
		"an order under a number told before":            {Match: cart.MatchPhone},
		"order #7 under another name of the same person": {Order: seventh, Match: cart.MatchLinked, Under: "the number"},
		"order #7 of this checkout":                      {Order: seventh, Match: cart.MatchCheckout, Under: "the number"},
		"order #7 of the same cart at the shop":          {Order: seventh, Match: cart.MatchCart},
		"order #7 with the code that a call gave":        {Order: seventh, Match: cart.MatchCode},
	} {
		assert.Equal(t, want, e.Basis())
	}
}

// records is what a shop was told, in memory: each thing with the keys that it was told with.
type records map[string][]cart.Key

func (r records) walk(start ...cart.Key) cart.Reach[cart.Key, string] {
	kindOf := func(k cart.Key) cart.KeyKind { return k.Kind }
	reach, err := cart.Walk(start, kindOf, func(keys []cart.Key) ([]cart.Told[cart.Key, string], error) {
		var told []cart.Told[cart.Key, string]
		for _, owner := range slices.Sorted(maps.Keys(r)) {
			for _, k := range keys {
				if slices.Contains(r[owner], k) {
					told = append(told, cart.Told[cart.Key, string]{Owner: owner, Under: k, Keys: r[owner]})
				}
			}
		}
		return told, nil
	})
	if err != nil {
		panic(err)
	}
	return reach
}

func (r records) found(start ...cart.Key) []string {
	return slices.Sorted(maps.Keys(r.walk(start...).Ties))
}

func key(kind cart.KeyKind, value string) cart.Key { return cart.Key{Kind: kind, Value: value} }

func email(name string) cart.Key    { return key(cart.KeyEmail, name+"@example.com") }
func number(digits string) cart.Key { return key(cart.KeyPhone, "+9198450"+digits) }

func TestWalk_FollowsKeysThatAppearTogether(t *testing.T) {
	t.Parallel()
	r := records{
		"a": {email("typed"), number("00001")},
		"b": {number("00001"), email("own")},
		"c": {email("own"), key(cart.KeyCustomer, "7")},
		"d": {key(cart.KeyCustomer, "8"), number("00002")},
	}
	reach := r.walk(email("typed"))
	assert.Equal(t, []string{"a", "b", "c"}, slices.Sorted(maps.Keys(reach.Ties)))
	assert.Equal(t, []cart.Key{email("typed")}, reach.Ties["a"].Direct)
	assert.Empty(t, reach.Ties["c"].Direct, "found through others")
	assert.Equal(t, []string{"d"}, r.found(number("00002")))
	assert.Empty(t, r.found(), "nobody is no one's double")
	assert.Empty(t, r.found(email("stranger")))
}

func TestWalk_EndsAtASharedKey(t *testing.T) {
	t.Parallel()
	switchboard := number("55555")
	r := records{}
	for i := range cart.MostOthers + 1 {
		r[fmt.Sprintf("of %d", i)] = []cart.Key{email(fmt.Sprintf("guest%d", i)), switchboard}
		r[fmt.Sprintf("also of %d", i)] = []cart.Key{email(fmt.Sprintf("guest%d", i)), number(fmt.Sprintf("1000%d", i))}
	}
	assert.Equal(t, []string{"also of 3", "of 3"}, r.found(email("guest3")), "people who share a switchboard are not one")
	reach := r.walk(switchboard)
	assert.Len(t, reach.Ties, cart.MostOthers+1, "what was told under the shared number itself is found")
	assert.True(t, reach.Ties["of 3"].Shared)
	assert.NotContains(t, reach.Ties, "also of 3")

	own := r.walk(switchboard, email("guest3"))
	assert.False(t, own.Ties["of 3"].Shared)
	assert.True(t, own.Ties["of 4"].Shared)
	assert.Contains(t, own.Ties, "also of 3")

	delete(r, "of 0")
	delete(r, "of 1")
	assert.Contains(t, r.found(email("guest3")), "of 4", "so few people may be a household")
}

// crowd draws persons of up to four emails and four numbers who share no key, and what they told: each thing with some
// of their keys.
func crowd(t *rapid.T) (persons [][]cart.Key, told records) {
	told = records{}
	for i := range rapid.IntRange(1, 4).Draw(t, "persons") {
		var keys []cart.Key
		for j := range rapid.IntRange(1, 4).Draw(t, "emails") {
			keys = append(keys, email(fmt.Sprintf("p%d-%d", i, j)))
		}
		for j := range rapid.IntRange(0, 4).Draw(t, "numbers") {
			keys = append(keys, number(fmt.Sprintf("%d%d000", i, j)))
		}
		if rapid.Bool().Draw(t, "account") {
			keys = append(keys, key(cart.KeyCustomer, fmt.Sprint(900+i)))
		}
		persons = append(persons, keys)
		for j := range rapid.IntRange(1, 6).Draw(t, "things") {
			some := rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 1, len(keys), rapid.ID).Draw(t, "keys")
			told[fmt.Sprintf("%d/%d", i, j)] = some
		}
	}
	return persons, told
}

// linked tells which things belong together by the definition: whatever shares a key is one person's.
func linked(r records, start ...cart.Key) []string {
	known, all := slices.Clone(start), map[string]bool{}
	for again := true; again; {
		again = false
		for owner, keys := range r {
			if !all[owner] && slices.ContainsFunc(keys, func(k cart.Key) bool { return slices.Contains(known, k) }) {
				all[owner], again = true, true
				known = append(known, keys...)
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func TestWalk_FindsAPersonUnderEveryNameAndNobodyElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		persons, told := crowd(t)
		for i, keys := range persons {
			for _, k := range keys {
				found := told.found(k)
				assert.Equal(t, linked(told, k), found, "under %v", k)
				for _, owner := range found {
					assert.Equal(t, fmt.Sprint(i), owner[:1], "%v finds another's", k)
				}
			}
			assert.Equal(t, linked(told, keys...), told.found(keys...))
		}
		// Whatever finds another is found by it, so that it does not matter which came first.
		for a, keys := range told {
			for b := range told.walk(keys...).Ties {
				assert.Contains(t, told.walk(told[b]...).Ties, a, "%s finds %s", a, b)
			}
		}
	})
}
