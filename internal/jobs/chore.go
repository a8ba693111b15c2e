package jobs

import (
	"context"
	"time"

	"ringback/internal/engine"

	"github.com/riverqueue/river"
)

type redactWorker struct {
	river.WorkerDefaults[engine.Redact]
	engine *engine.Engine
}

// Timeout implements river.Worker: a large shop takes minutes.
func (w *redactWorker) Timeout(*river.Job[engine.Redact]) time.Duration { return 10 * time.Minute }

// Work implements river.Worker.
func (w *redactWorker) Work(ctx context.Context, job *river.Job[engine.Redact]) error {
	return w.engine.Redact(ctx, job.Args.RequestID)
}

type purgeWorker struct {
	river.WorkerDefaults[engine.Purge]
	engine *engine.Engine
}

// Timeout implements river.Worker.
func (w *purgeWorker) Timeout(*river.Job[engine.Purge]) time.Duration { return 10 * time.Minute }

// Work implements river.Worker.
func (w *purgeWorker) Work(ctx context.Context, _ *river.Job[engine.Purge]) error {
	return w.engine.Purge(ctx)
}

type sweepWorker struct {
	river.WorkerDefaults[engine.Sweep]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[engine.Sweep]) error {
	return w.engine.Sweep(ctx)
}

type countCartsWorker struct {
	river.WorkerDefaults[engine.CountCarts]
	engine *engine.Engine
}

// Timeout implements river.Worker: a large shop takes minutes.
func (w *countCartsWorker) Timeout(*river.Job[engine.CountCarts]) time.Duration {
	return 10 * time.Minute
}

// Work implements river.Worker.
func (w *countCartsWorker) Work(ctx context.Context, _ *river.Job[engine.CountCarts]) error {
	return w.engine.CountCarts(ctx)
}

type fillPersonKeysWorker struct {
	river.WorkerDefaults[engine.FillPersonKeys]
	engine *engine.Engine
}

// Timeout implements river.Worker: a large fill ends with an ANALYZE.
func (w *fillPersonKeysWorker) Timeout(*river.Job[engine.FillPersonKeys]) time.Duration {
	return 10 * time.Minute
}

// Work implements river.Worker.
func (w *fillPersonKeysWorker) Work(ctx context.Context, _ *river.Job[engine.FillPersonKeys]) error {
	return w.engine.FillPersonKeys(ctx)
}
