package cart_test

import (
	"reflect"
	"testing"
	"time"

	"ringback/internal/cart"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
)

func TestEqual_SeesEveryField(t *testing.T) {
	t.Parallel()
	var plain cart.Cart
	fill(reflect.ValueOf(&plain).Elem())
	var changes int
	for _, path := range paths(reflect.TypeFor[cart.Cart]()) {
		var a, b cart.Cart
		fill(reflect.ValueOf(&a).Elem())
		fill(reflect.ValueOf(&b).Elem())
		assert.True(t, a.Equal(&b), "two carts with the same values are equal")
		field := at(reflect.ValueOf(&b).Elem(), path)
		field.Set(other(field))
		assert.False(t, a.Equal(&b), "Equal does not see the change of %v", path)
		changes++
	}
	assert.Greater(t, changes, 100)
}

func TestEqual_ComparesInstantsAndAmountsByValue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 6, 30, 0, 0, time.UTC)
	a := cart.Cart{CreatedAt: now, Checkout: cart.Checkout{Total: decimal.RequireFromString("5.00")}, Calls: []cart.Call{}}
	b := cart.Cart{CreatedAt: now.In(time.FixedZone("", 3600)),
		Checkout: cart.Checkout{Total: decimal.RequireFromString("5")}}
	assert.True(t, a.Equal(&b))
}

var (
	typeOfTime    = reflect.TypeFor[time.Time]()
	typeOfDecimal = reflect.TypeFor[decimal.Decimal]()
)

// leaf tells the types that are changed as a whole.
func leaf(t reflect.Type) bool {
	return t == typeOfTime || t == typeOfDecimal || t.Kind() == reflect.Array ||
		t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

// paths lists the way to every value within a type: field indices, and -1 for what a pointer or a list holds.
func paths(t reflect.Type) [][]int {
	var all [][]int
	under := func(step int, t reflect.Type) {
		for _, p := range paths(t) {
			all = append(all, append([]int{step}, p...))
		}
	}
	switch {
	case leaf(t):
		return [][]int{{}}
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			under(i, t.Field(i).Type)
		}
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice:
		all = append(all, []int{}) // absent
		under(-1, t.Elem())
	default:
		return [][]int{{}}
	}
	return all
}

func at(v reflect.Value, path []int) reflect.Value {
	for _, step := range path {
		switch {
		case step >= 0:
			v = v.Field(step)
		case v.Kind() == reflect.Pointer:
			v = v.Elem()
		default:
			v = v.Index(0)
		}
	}
	return v
}

// fill gives every value within v a first value; lists get one member.
func fill(v reflect.Value) {
	switch {
	case v.Type() == typeOfTime:
		v.Set(reflect.ValueOf(time.Date(2026, 3, 10, 6, 30, 0, 0, time.UTC)))
	case v.Type() == typeOfDecimal:
		v.Set(reflect.ValueOf(decimal.NewFromInt(1)))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case v.Kind() == reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("a"), value)
	}
}

// other is a value that v does not have.
func other(v reflect.Value) reflect.Value {
	next := reflect.New(v.Type()).Elem()
	switch {
	case v.Type() == typeOfTime:
		next.Set(reflect.ValueOf(v.Interface().(time.Time).Add(time.Second)))
	case v.Type() == typeOfDecimal:
		next.Set(reflect.ValueOf(decimal.NewFromInt(2)))
	case v.Kind() == reflect.String:
		next.SetString("other")
	case v.Kind() == reflect.Bool:
		next.SetBool(!v.Bool())
	case v.CanInt():
		next.SetInt(v.Int() + 1)
	case v.Kind() == reflect.Array:
		next.Index(0).SetUint(v.Index(0).Uint() + 1)
	}
	// Pointers, lists and maps become absent.
	return next
}
