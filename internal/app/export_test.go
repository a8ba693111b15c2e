package app

import "github.com/jackc/pgx/v5"

// WithTracer tells a tracer of every statement that the program sends to its database.
func WithTracer(t pgx.QueryTracer) Option { return func(a *App) { a.tracer = t } }
