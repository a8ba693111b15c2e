// Package standing says how a shop stands: whether calls are made for it, and what keeps them from being made. One
// computation serves the pages, the API, the metric and the alerts. It is pure: the facts and the instant are
// arguments.
package standing
