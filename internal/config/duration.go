package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// durationDays splits a duration such as "3d" or "1d12h" into its days and the rest.
var durationDays = regexp.MustCompile(`^(\d+)d(.*)$`)

// bareNumber is a duration without a unit.
var bareNumber = regexp.MustCompile(`^\d+(\.\d+)?$`)

// parseDuration reads a Go duration ("90s", "1h30m") that may begin with days of 24 hours ("3d", "1d12h"). A negative
// one is an error.
func parseDuration(text string) (time.Duration, error) {
	var days time.Duration
	rest := text
	if m := durationDays.FindStringSubmatch(text); m != nil {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || n > maxDays {
			return 0, fmt.Errorf("%q is too long; write at most %dd", text, maxDays)
		}
		days, rest = time.Duration(n)*24*time.Hour, m[2]
		if rest == "" {
			return days, nil
		}
	}
	if rest == "" {
		return 0, errors.New("is empty; write a duration such as 90s, 45m, 2h or 3d")
	}
	d, err := time.ParseDuration(rest)
	switch {
	case err != nil && bareNumber.MatchString(rest):
		return 0, fmt.Errorf("%q has no unit; write %ss, %sm, %sh or %sd", text, rest, rest, rest, rest)
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration; write one such as 90s, 45m, 2h or 3d", text)
	case d < 0:
		return 0, fmt.Errorf("%q is negative; write a duration such as 90s, 45m, 2h or 3d", text)
	case d > maxDays*24*time.Hour:
		return 0, fmt.Errorf("%q is too long; write at most %dd", text, maxDays)
	}
	return days + d, nil
}

// maxDays is a hundred years: longer than any useful duration, and far from an overflow.
const maxDays = 36500
