package jobs

import (
	"context"

	"ringback/internal/engine"

	"github.com/riverqueue/river"
)

type mailAlertWorker struct {
	river.WorkerDefaults[engine.MailAlert]
	engine *engine.Engine
}

// Work implements river.Worker.
func (w *mailAlertWorker) Work(ctx context.Context, job *river.Job[engine.MailAlert]) error {
	return w.engine.MailAlert(ctx, job.Args)
}
