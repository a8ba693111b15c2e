package config

import (
	"net/url"
	"strings"
)

// databaseProblem says what is wrong with a database URL; "" for nothing. The URL is never shown, because it may hold
// a password. An empty one is valid.
func databaseProblem(address string) string {
	const example = "write one such as postgres://user:password@host:5432/ringback, or leave it empty for an " +
		"embedded Postgres"
	if address == "" {
		return ""
	}
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return "does not begin with postgres://; " + example
	}
	if _, err := url.Parse(address); err != nil {
		return "is not a URL (characters such as @ : / ? # in a password are written %40 and so on); " + example
	}
	return ""
}
