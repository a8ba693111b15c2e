package config

import (
	"fmt"
	"slices"
	"strings"
)

// nearest returns the candidate that word probably misspells, or "".
func nearest(word string, candidates []string) string {
	fold := strings.NewReplacer("-", "_", " ", "_")
	word = fold.Replace(strings.ToLower(word))
	best, bestDistance := "", 1+max(1, len(word)/3)
	for _, candidate := range candidates {
		if d := distance(word, fold.Replace(strings.ToLower(candidate))); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the number of letters to add, drop, change or swap with a neighbour to make a into b.
func distance(a, b string) int {
	// rows[i][j] is the distance of the first i letters of a to the first j of b.
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// NotOneOf says that value is none of the allowed ones, and which of them was probably meant. It returns "" when
// value is allowed.
func NotOneOf(value string, allowed ...string) string {
	if slices.Contains(allowed, value) {
		return ""
	}
	if len(allowed) == 0 {
		return fmt.Sprintf("%q is not known", value)
	}
	list := allowed[len(allowed)-1]
	if len(allowed) > 1 {
		list = strings.Join(allowed[:len(allowed)-1], ", ") + " or " + list
	}
	if value == "" {
		return "has no value; write " + list
	}
	if meant := nearest(value, allowed); meant != "" {
		return fmt.Sprintf("%q is not known; did you mean %q? (%s)", value, meant, list)
	}
	return fmt.Sprintf("%q is not known; write %s", value, list)
}
