package jobs

import (
	"context"
	"strconv"
	"time"

	"ringback/internal/engine"

	"github.com/riverqueue/river"
)

type placeWorker struct {
	river.WorkerDefaults[engine.PlaceCall]
	engine *engine.Engine
}

// Timeout implements river.Worker: longer than a request and the recording of its answer may take, shorter than
// rescueAfter.
func (w *placeWorker) Timeout(*river.Job[engine.PlaceCall]) time.Duration { return 2 * time.Minute }

// Work implements river.Worker.
func (w *placeWorker) Work(ctx context.Context, job *river.Job[engine.PlaceCall]) error {
	return w.engine.PlaceCall(ctx, job.Args.CallID)
}

type placeTestWorker struct {
	river.WorkerDefaults[engine.PlaceTestCall]
	engine *engine.Engine
}

// Timeout implements river.Worker, as for a cart's call.
func (w *placeTestWorker) Timeout(*river.Job[engine.PlaceTestCall]) time.Duration {
	return 2 * time.Minute
}

// Work implements river.Worker.
func (w *placeTestWorker) Work(ctx context.Context, job *river.Job[engine.PlaceTestCall]) error {
	return w.engine.PlaceTestCall(ctx, job.Args.CallID)
}

type abortWorker struct {
	river.WorkerDefaults[engine.AbortCall]
	engine *engine.Engine
}

// NextRetry implements river.Worker: soon, because the customer's phone may ring meanwhile.
func (w *abortWorker) NextRetry(job *river.Job[engine.AbortCall]) time.Time {
	return w.engine.Now().Add(time.Duration(1<<min(job.Attempt, 6)) * time.Second)
}

// Work implements river.Worker.
func (w *abortWorker) Work(ctx context.Context, job *river.Job[engine.AbortCall]) error {
	return w.engine.AbortCall(ctx, job.Args.CallID, job.Attempt >= job.MaxAttempts)
}

type updateWorker struct {
	river.WorkerDefaults[engine.UpdateCall]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *updateWorker) Work(ctx context.Context, job *river.Job[engine.UpdateCall]) error {
	return w.engine.UpdateCall(ctx, job.Args.CallID)
}

type watchWorker struct {
	river.WorkerDefaults[engine.WatchCall]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *watchWorker) Work(ctx context.Context, job *river.Job[engine.WatchCall]) error {
	return w.engine.WatchCall(ctx, job.Args.CallID)
}

type forwardWorker struct {
	river.WorkerDefaults[engine.ForwardAction]
	engine *engine.Engine
}

// NextRetry implements river.Worker: soon at first, because the customer may wait for what the agent asked for, then
// every six hours, for days.
func (w *forwardWorker) NextRetry(job *river.Job[engine.ForwardAction]) time.Time {
	return w.engine.Now().Add(min(time.Second<<min(job.Attempt-1, 20), 6*time.Hour))
}

// Work implements river.Worker.
func (w *forwardWorker) Work(ctx context.Context, job *river.Job[engine.ForwardAction]) error {
	return w.engine.ForwardAction(ctx, job.Args, strconv.FormatInt(job.ID, 10))
}
