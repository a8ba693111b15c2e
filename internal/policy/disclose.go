package policy

import (
	"slices"
	"strings"
)

// Disclosures returns what must be said in a call to a country (DiscloseAI, …), by its row of the calling-hours table
// and its states'.
func Disclosures(r *Rules, country string) []string {
	c, err := r.ready()
	if err != nil {
		return nil
	}
	rows, ok := c.countries[strings.ToUpper(country)]
	if !ok {
		return nil
	}
	all := slices.Clone(rows.row.terms[len(rows.row.terms)-1].disclose)
	for _, state := range rows.states {
		for _, what := range state.terms[len(state.terms)-1].disclose {
			if !slices.Contains(all, what) {
				all = append(all, what)
			}
		}
	}
	slices.Sort(all)
	return all
}
