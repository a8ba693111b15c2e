package jobs

import (
	"context"
	"errors"
	"fmt"
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
	var later *engine.LaterError
	var final *engine.FinalError
	switch {
	case errors.As(err, &later):
		return river.JobSnooze(later.In)
	case errors.As(err, &final):
		return river.JobCancel(final.Err)
	case err == nil || !engine.UnknownHere(err):
		return err
	}
	waited := m.engine.Now().Sub(job.CreatedAt)
	if waited > engine.UnknownFor && !neverGivenUp[job.Kind] {
		m.log.WarnContext(ctx, "a job was given up", "job", job.ID, "kind", job.Kind, "error", err)
		return river.JobCancel(fmt.Errorf("given up after %s: %w", engine.UnknownFor, err))
	}
	return river.JobSnooze(engine.CheckAgain(waited, unknownCheck))
}
