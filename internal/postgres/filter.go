package postgres

import (
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// filter makes the WHERE clause of the conditions that are asked for. A condition that an argument turns off, such as
// (@shop = ” OR shop = @shop), would keep Postgres from using the index on its column.
type filter struct {
	conditions []string
	args       pgx.StrictNamedArgs
}

func newFilter() *filter { return &filter{args: pgx.StrictNamedArgs{}} }

// add adds a condition with the one argument that it names.
func (f *filter) add(condition, name string, value any) {
	f.conditions = append(f.conditions, condition)
	f.args[name] = value
}

// addIf is add for a text that is not empty.
func (f *filter) addIf(condition, name, value string) {
	if value != "" {
		f.add(condition, name, value)
	}
}

// olderThan asks for the rows of a list that come after the one with the id before, unless that is zero.
func (f *filter) olderThan(before uuid.UUID) {
	if before != uuid.Nil {
		f.add("id < @before", "before", before)
	}
}

// where is the clause; "" without a condition.
func (f *filter) where() string {
	if len(f.conditions) == 0 {
		return ""
	}
	return "WHERE " + strings.Join(f.conditions, " AND ")
}

// anyOf is one condition of those that are asked for, of which one has to hold; "false" without any.
func (f *filter) anyOf() string {
	if len(f.conditions) == 0 {
		return "false"
	}
	return "(" + strings.Join(f.conditions, " OR ") + ")"
}
