package policy

// Problem is one thing that is wrong with the rules.
type Problem struct {
	// Path is relative to the rules, such as "windows[0].from".
	Path string
	// Message names the value and the fix.
	Message string
}

// Problems gives everything that is wrong with the rules; none means that Compile will take them.
func (r *Rules) Problems() []Problem {
	return nil
}
