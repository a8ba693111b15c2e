// Package jobs runs the engine's work as River jobs: it says which job calls what, in which queue, how often it is
// tried and how often it comes back. What the jobs do is in package engine.
package jobs

import (
	"context"
	"log/slog"
	"time"

	"ringback/internal/engine"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// How River is set up. A job that outlives rescueAfter is taken for lost with its process and run again, so every job
// but the chores is done long before.
const (
	jobTimeout  = 30 * time.Second
	rescueAfter = 3 * time.Minute
	// pollEvery and cooldown bound how late a due job starts and how often a process looks for jobs. Jobs about calls have
	// a shorter cooldown: a line is idle meanwhile.
	pollEvery    = 200 * time.Millisecond
	cooldown     = 50 * time.Millisecond
	callCooldown = 5 * time.Millisecond
)

// Option changes how River is set up.
type Option func(*river.Config)

// PollOnly makes River look for jobs and not listen for them, which takes a session of its own.
func PollOnly(c *river.Config) { c.PollOnly = true }

// NewClient makes the client that enqueues and, when concurrency is above zero, works jobs, at most that many of a
// queue at a time in this process. Jobs about carts do nothing but ask the database, so no more of them run than the
// pool has connections. It attaches itself to the engine.
func NewClient(
	e *engine.Engine, pool *pgxpool.Pool, concurrency int, log *slog.Logger, options ...Option,
) (*river.Client[pgx.Tx], error) {
	cfg := &river.Config{
		Logger:                      log,
		JobTimeout:                  jobTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		FetchPollInterval:           pollEvery,
		FetchCooldown:               callCooldown,
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: time.Hour,
		DiscardedJobRetentionPeriod: 7 * 24 * time.Hour,
		SkipUnknownJobCheck:         true,
		Middleware:                  []rivertype.Middleware{&outcomeMiddleware{engine: e, log: log}},
	}
	if concurrency > 0 {
		cfg.Workers = workersOf(e).river
		cfg.Queues = map[string]river.QueueConfig{
			engine.QueueCarts:  {MaxWorkers: min(concurrency, int(pool.Config().MaxConns)), FetchCooldown: cooldown},
			engine.QueueCalls:  {MaxWorkers: concurrency},
			engine.QueueChores: {MaxWorkers: max(concurrency/10, 2), FetchCooldown: cooldown},
			engine.QueueEvents: {MaxWorkers: max(concurrency/5, 4), FetchCooldown: cooldown},
		}
		var err error
		if cfg.PeriodicJobs, err = periodic(e.ShopifySchedule()); err != nil {
			return nil, err
		}
	}
	for _, o := range options {
		o(cfg)
	}
	client, err := river.NewClient(riverpgxv5.New(pool), cfg)
	if err != nil {
		return nil, err
	}
	e.Attach(client)
	return client, nil
}

func workersOf(e *engine.Engine) *registry {
	all := &registry{river: river.NewWorkers(), direct: map[string]func(context.Context, *rivertype.JobRow) error{}}
	add(all, &wakeWorker{engine: e})
	add(all, &fillWorker{engine: e})
	add(all, &supersedeWorker{engine: e})
	add(all, &stopWorker{engine: e})
	add(all, &haltWorker{engine: e})
	add(all, &resumeWorker{engine: e})
	add(all, &placeWorker{engine: e})
	add(all, &placeTestWorker{engine: e})
	add(all, &abortWorker{engine: e})
	add(all, &updateWorker{engine: e})
	add(all, &watchWorker{engine: e})
	add(all, &forwardWorker{engine: e})
	add(all, &mailAlertWorker{engine: e})
	add(all, &deliverWorker{engine: e})
	add(all, &testEndpointWorker{engine: e})
	add(all, &redactWorker{engine: e})
	add(all, &purgeWorker{engine: e})
	add(all, &sweepWorker{engine: e})
	add(all, &fillPersonKeysWorker{engine: e})
	add(all, &countCartsWorker{engine: e})
	add(all, &ensureWorker{engine: e})
	add(all, &ensureAllWorker{engine: e})
	add(all, &reconcileWorker{engine: e})
	add(all, &reconcileAllWorker{engine: e})
	add(all, &endDiscountsWorker{engine: e})
	add(all, &regainWorker{engine: e})
	return all
}
