package view

import "ringback/internal/standing"

// StandingTone is the class of the colour of how a shop stands. Only a shop that calls, with nothing to say about it,
// is green.
func StandingTone(s standing.Standing) string {
	switch s.Status {
	case standing.Active:
		if len(s.Reasons) > 0 {
			return "tone-still"
		}
		return "tone-good"
	case standing.Attention, standing.Paused:
		return "tone-wait"
	case standing.NotConnected, standing.Failing:
		return "tone-bad"
	}
	return "tone-still"
}
