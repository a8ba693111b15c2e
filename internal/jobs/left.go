package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"ringback/internal/engine"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"golang.org/x/sync/errgroup"
)

// How jobs are worked that a process has put off because it does not know their shop. River cannot keep a job away from
// a process, and an idle process that knows little takes jobs before a busy one that knows all.
const (
	// leftEvery is how often a process looks for jobs that others left to it.
	leftEvery = time.Second
	// leftAtOnce is how many of them it works at a time.
	leftAtOnce = 10
	// leftTaken is for how long River leaves a job alone that was taken, leftWithin how long working it may take.
	leftTaken  = rescueAfter
	leftWithin = leftTaken - 30*time.Second
	// leftAgain is when one is tried again that this process could not do either.
	leftAgain = 30 * time.Second
)

// Left works the jobs that other processes have put off because they do not know their shops.
type Left struct {
	engine *engine.Engine
	log    *slog.Logger
	works  map[string]func(context.Context, *rivertype.JobRow) error

	mu sync.Mutex
	// skip holds jobs that this process cannot do either, until when it leaves them alone.
	skip map[int64]time.Time
}

// NewLeft makes the part of a process that works what others left. Run must follow.
func NewLeft(e *engine.Engine, log *slog.Logger) *Left {
	return &Left{engine: e, log: log, works: workersOf(e).direct, skip: map[int64]time.Time{}}
}

// Run works jobs that were left until ctx ends and those under way are done.
func (l *Left) Run(ctx context.Context) {
	ticks := time.NewTicker(leftEvery)
	defer ticks.Stop()
	for {
		if err := l.round(ctx); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "jobs that other processes left were not worked", "error", err)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// round works what is left now.
func (l *Left) round(ctx context.Context) error {
	for ctx.Err() == nil {
		taken, err := l.engine.TakeLeftJobs(ctx, l.skipped(), leftAtOnce, leftTaken)
		if err != nil || len(taken) == 0 {
			return err
		}
		var group errgroup.Group
		for _, job := range taken {
			group.Go(func() error { return l.work(context.WithoutCancel(ctx), job) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (l *Left) skipped() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.skip, func(_ int64, until time.Time) bool { return time.Now().After(until) })
	return slices.AppendSeq([]int64{}, maps.Keys(l.skip))
}

// work works one job and tells River what became of it.
func (l *Left) work(ctx context.Context, left engine.LeftJob) error {
	working, cancel := context.WithTimeout(ctx, leftWithin)
	defer cancel()
	err := fmt.Errorf("no worker of %s jobs", left.Kind)
	if work := l.works[left.Kind]; work != nil {
		err = work(working, &rivertype.JobRow{
			ID: left.ID, Kind: left.Kind, EncodedArgs: left.Args, Attempt: left.Attempt, MaxAttempts: left.MaxAttempts,
			CreatedAt: left.CreatedAt,
		})
	}
	then := outcomeOf(l.engine, err, left.Kind, left.CreatedAt)
	if then.unknown != "" {
		l.mu.Lock()
		l.skip[left.ID] = time.Now().Add(leftAgain)
		l.mu.Unlock()
		if err := l.engine.LeaveJob(ctx, left.ID, then.unknown); err != nil {
			return err
		}
	}
	switch {
	case then.final != nil:
		l.log.WarnContext(ctx, "a job was given up", "job", left.ID, "kind", left.Kind, "error", then.final)
		return l.engine.LeftJobCancelled(ctx, left)
	case then.again > 0:
		return l.engine.LeftJobLater(ctx, left, then.again, true)
	case err != nil:
		l.log.WarnContext(ctx, "a job that another process left has failed; it will be tried again",
			"job", left.ID, "kind", left.Kind, "error", err)
		return l.engine.LeftJobLater(ctx, left, time.Duration(left.Attempt)*time.Second, false)
	}
	return l.engine.LeftJobDone(ctx, left)
}

// outcome is what an engine's error means for its job. The zero value leaves it to River.
type outcome struct {
	// again is in how long the job runs again.
	again time.Duration
	// final is why it is given up.
	final error
	// unknown is the shop that this process does not know and another may.
	unknown string
}

func outcomeOf(e *engine.Engine, err error, kind string, created time.Time) outcome {
	var later *engine.LaterError
	var final *engine.FinalError
	if errors.As(err, &later) {
		return outcome{again: later.In, unknown: later.Shop}
	}
	if errors.As(err, &final) {
		return outcome{final: final.Err}
	}
	shop, unknown := engine.UnknownHere(err)
	if !unknown {
		return outcome{}
	}
	waited := e.Now().Sub(created)
	if waited > engine.UnknownFor && !neverGivenUp[kind] {
		return outcome{final: fmt.Errorf("given up after %s: %w", engine.UnknownFor, err)}
	}
	return outcome{again: engine.CheckAgain(waited, unknownCheck), unknown: shop}
}

// registry holds the workers of all kinds of jobs, for River and for work without it.
type registry struct {
	river  *river.Workers
	direct map[string]func(context.Context, *rivertype.JobRow) error
}

func add[T river.JobArgs](r *registry, worker river.Worker[T]) {
	river.AddWorker(r.river, worker)
	var args T
	r.direct[args.Kind()] = func(ctx context.Context, row *rivertype.JobRow) error {
		job := &river.Job[T]{JobRow: row}
		if err := json.Unmarshal(row.EncodedArgs, &job.Args); err != nil {
			return err
		}
		return worker.Work(ctx, job)
	}
}
