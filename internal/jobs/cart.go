package jobs

import (
	"context"

	"ringback/internal/engine"

	"github.com/riverqueue/river"
)

type wakeWorker struct {
	river.WorkerDefaults[engine.WakeCart]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *wakeWorker) Work(ctx context.Context, job *river.Job[engine.WakeCart]) error {
	return w.engine.WakeCart(ctx, job.Args.CartID, job.ID)
}

type fillWorker struct {
	river.WorkerDefaults[engine.FillLines]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *fillWorker) Work(ctx context.Context, job *river.Job[engine.FillLines]) error {
	return w.engine.FillLines(ctx, job.Args.Assistant)
}

type supersedeWorker struct {
	river.WorkerDefaults[engine.Supersede]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *supersedeWorker) Work(ctx context.Context, job *river.Job[engine.Supersede]) error {
	return w.engine.Supersede(ctx, job.Args.CartID)
}

type stopWorker struct {
	river.WorkerDefaults[engine.StopPerson]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *stopWorker) Work(ctx context.Context, job *river.Job[engine.StopPerson]) error {
	return w.engine.StopPerson(ctx, job.Args)
}

type haltWorker struct {
	river.WorkerDefaults[engine.HaltShop]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *haltWorker) Work(ctx context.Context, job *river.Job[engine.HaltShop]) error {
	return w.engine.HaltShop(ctx, job.Args.Shop)
}

type resumeWorker struct {
	river.WorkerDefaults[engine.ResumeShop]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *resumeWorker) Work(ctx context.Context, job *river.Job[engine.ResumeShop]) error {
	return w.engine.WakeShop(ctx, job.Args.Shop)
}
