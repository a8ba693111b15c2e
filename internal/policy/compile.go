package policy

// compiled is what Decide needs of the rules, worked out once.
type compiled struct{}

// Compile works out what Decide needs, for the store that the rules belong to. It must be called again after any change.
// Its error is the first of the rules' problems, or names the store's value that is wrong.
func (r *Rules) Compile(store Store) error {
	r.compiled = &compiled{}
	return nil
}
