package jobs

import (
	"context"
	"time"

	"ringback/internal/engine"

	"github.com/riverqueue/river"
)

type ensureWorker struct {
	river.WorkerDefaults[engine.EnsureSubscriptions]
	engine *engine.Engine
}

// Timeout implements river.Worker: repairing a dozen topics may meet the rate limit.
func (w *ensureWorker) Timeout(*river.Job[engine.EnsureSubscriptions]) time.Duration {
	return 2 * time.Minute
}

// Work implements river.Worker.
func (w *ensureWorker) Work(ctx context.Context, job *river.Job[engine.EnsureSubscriptions]) error {
	return w.engine.RepairSubscriptions(ctx, job.Args.Shop)
}

type ensureAllWorker struct {
	river.WorkerDefaults[engine.EnsureAllSubscriptions]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *ensureAllWorker) Work(ctx context.Context, _ *river.Job[engine.EnsureAllSubscriptions]) error {
	return w.engine.EnsureAllSubscriptions(ctx)
}

type reconcileWorker struct {
	river.WorkerDefaults[engine.ReconcileShop]
	engine *engine.Engine
}

// Timeout implements river.Worker: a slice and its last page.
func (w *reconcileWorker) Timeout(*river.Job[engine.ReconcileShop]) time.Duration {
	return engine.ScanSlice + 2*time.Minute
}

// Work implements river.Worker.
func (w *reconcileWorker) Work(ctx context.Context, job *river.Job[engine.ReconcileShop]) error {
	return w.engine.ReconcileShop(ctx, job.Args.Shop)
}

type reconcileAllWorker struct {
	river.WorkerDefaults[engine.ReconcileAll]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *reconcileAllWorker) Work(ctx context.Context, _ *river.Job[engine.ReconcileAll]) error {
	return w.engine.ReconcileAll(ctx)
}

type endDiscountsWorker struct {
	river.WorkerDefaults[engine.EndDiscounts]
	engine *engine.Engine
}

// Timeout implements river.Worker.
func (w *endDiscountsWorker) Timeout(*river.Job[engine.EndDiscounts]) time.Duration {
	return 10 * time.Minute
}

// Work implements river.Worker.
func (w *endDiscountsWorker) Work(ctx context.Context, _ *river.Job[engine.EndDiscounts]) error {
	return w.engine.EndDiscounts(ctx)
}

type regainWorker struct {
	river.WorkerDefaults[engine.RegainAccess]
	engine *engine.Engine
}

// Timeout implements river.Worker.
func (w *regainWorker) Timeout(*river.Job[engine.RegainAccess]) time.Duration { return 2 * time.Minute }

// Work implements river.Worker.
func (w *regainWorker) Work(ctx context.Context, job *river.Job[engine.RegainAccess]) error {
	return w.engine.RegainAllAccess(ctx, job.Args.Shop)
}
