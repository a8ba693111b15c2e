package policy

// Rules is one store's policy as configured.
type Rules struct{}
