package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// What a process may not know while another one, with a newer configuration, does. A job that meets such a thing is left for the
// process that knows it.
var (
	// errUnknownShop: the shop is not in the configuration.
	errUnknownShop = errors.New("the shop is not in the configuration: add it under stores")
	// errUnknownAccount: the call was placed with a provider or account that the shop's configuration no longer names.
	errUnknownAccount = errors.New("the call was placed with a voice account that is not in the shop's configuration")
	// errUnknownReceiver: nothing says where actions are forwarded to.
	errUnknownReceiver = errors.New("integrations.webhook_url is not in the configuration")
)

// unknownHere reports whether an error is owed to this process's configuration alone.
func unknownHere(err error) bool {
	return errors.Is(err, errUnknownShop) || errors.Is(err, errUnknownAccount) || errors.Is(err, errUnknownReceiver)
}

// A job of an unknown shop is looked at again soon at first, because another process probably knows the shop, and then at
// unknownLook. Most jobs are given up after unknownFor.
const (
	soonestLook = time.Second
	unknownLook = 30 * time.Second
	unknownFor  = 24 * time.Hour
)

// lookAgain is when a job that has waited for so long for a process that knows its shop is looked at again.
func lookAgain(waited, slowest time.Duration) time.Duration {
	return min(max(waited/4, soonestLook), slowest)
}

// unknownMiddleware keeps jobs of what this process does not know from ending as done.
type unknownMiddleware struct {
	river.MiddlewareDefaults
	engine *Engine
}

// Work implements rivertype.WorkerMiddleware.
func (m *unknownMiddleware) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	err := work(ctx)
	if errors.Is(err, errWebhooksWait) {
		return river.JobSnooze(soonestLook)
	}
	if err == nil || !unknownHere(err) {
		return err
	}
	waited := m.engine.db.Now().Sub(job.CreatedAt)
	if waited > unknownFor && !neverGivenUp[job.Kind] {
		m.engine.log.WarnContext(ctx, "a job was given up", "job", job.ID, "kind", job.Kind, "error", err)
		return river.JobCancel(fmt.Errorf("given up after %s: %w", unknownFor, err))
	}
	return river.JobSnooze(lookAgain(waited, unknownLook))
}

// neverGivenUp are the jobs that wait for their shop for as long as it takes: without them a cart or a call would be forgotten. They
// end by themselves once there is nothing left to do.
var neverGivenUp = map[string]bool{
	WakeCart{}.Kind():  true,
	AbortCall{}.Kind(): true,
}
