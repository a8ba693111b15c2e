package jobs

import (
	"context"
	"time"

	"ringback/internal/engine"

	"github.com/riverqueue/river"
)

type deliverWorker struct {
	river.WorkerDefaults[engine.DeliverEvents]
	engine *engine.Engine
}

// Timeout implements river.Worker: the time in which a job begins requests, and that of the last ones.
func (w *deliverWorker) Timeout(*river.Job[engine.DeliverEvents]) time.Duration { return time.Minute }

// Work implements river.Worker.
func (w *deliverWorker) Work(ctx context.Context, job *river.Job[engine.DeliverEvents]) error {
	return w.engine.DeliverEvents(ctx, job.Args.Endpoint)
}

type testEndpointWorker struct {
	river.WorkerDefaults[engine.TestEndpoint]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *testEndpointWorker) Work(ctx context.Context, job *river.Job[engine.TestEndpoint]) error {
	return w.engine.TestEndpoint(ctx, job.Args.Endpoint, job.Args.Stream)
}
