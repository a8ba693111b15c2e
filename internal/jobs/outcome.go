package jobs

import (
	"context"
	"log/slog"
	"time"

	"ringback/internal/engine"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// unknownCheck is how often, at the slowest, a job is tried again that no process can do yet.
const unknownCheck = 30 * time.Second

// neverGivenUp are the jobs that wait for their shop for as long as it takes: without them a cart or a call would be
// forgotten. They end by themselves once there is nothing left to do.
var neverGivenUp = map[string]bool{
	engine.WakeCart{}.Kind():  true,
	engine.AbortCall{}.Kind(): true,
}

// outcomeMiddleware says what an engine's error means for its job: run again later, give up, or be retried as River
// does. A job of something that this process does not know is left to a process that does.
type outcomeMiddleware struct {
	river.MiddlewareDefaults
	engine *engine.Engine
	log    *slog.Logger
}

// Work implements rivertype.WorkerMiddleware.
func (m *outcomeMiddleware) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	err := work(ctx)
	then := outcomeOf(m.engine, err, job.Kind, job.CreatedAt)
	if then.unknown != "" {
		if err := m.engine.LeaveJob(ctx, job.ID, then.unknown); err != nil {
			m.log.WarnContext(ctx, "a job waits until this process tries it again", "job", job.ID, "error", err)
		}
	}
	switch {
	case then.final != nil:
		if _, unknown := engine.UnknownHere(then.final); unknown {
			m.log.WarnContext(ctx, "a job was given up", "job", job.ID, "kind", job.Kind, "error", then.final)
		}
		return river.JobCancel(then.final)
	case then.again > 0:
		return river.JobSnooze(then.again)
	}
	return err
}
