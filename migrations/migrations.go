// Package migrations holds the database schema as forward-only SQL files, in the order of their numbers.
//
// River's own migrations are not among them: they come with River and run first, under the same lock (see postgres.Migrate).
package migrations

import "embed"

// FS holds the SQL files, at its root.
//
//go:embed *.sql
var FS embed.FS
