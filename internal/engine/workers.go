package engine

import (
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// How River is set up. A job that outlives rescueAfter is taken for lost with its process and run again, so every job but
// the chores is done long before.
const (
	jobTimeout  = 30 * time.Second
	rescueAfter = 3 * time.Minute
	// pollEvery and cooldown bound how late a due job starts and how often a process looks for jobs. Calls are looked for at once: a
	// line is idle meanwhile.
	pollEvery    = 200 * time.Millisecond
	cooldown     = 50 * time.Millisecond
	callCooldown = 5 * time.Millisecond
	// purgeEvery is how often the retention is applied. A run that finds tables in use leaves them to the next one.
	purgeEvery = time.Hour
)

// NewClient makes the client that enqueues and, when concurrency is above zero, works jobs, at most that many at a time in this process.
func NewClient(e *Engine, pool *pgxpool.Pool, concurrency int, log *slog.Logger) (*river.Client[pgx.Tx], error) {
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
		Middleware:                  []rivertype.Middleware{&unknownMiddleware{engine: e}},
	}
	if concurrency > 0 {
		workers := river.NewWorkers()
		river.AddWorker(workers, &wakeWorker{engine: e})
		river.AddWorker(workers, &fillWorker{engine: e})
		river.AddWorker(workers, &placeWorker{engine: e})
		river.AddWorker(workers, &abortWorker{engine: e})
		river.AddWorker(workers, &updateWorker{engine: e})
		river.AddWorker(workers, &watchWorker{engine: e})
		river.AddWorker(workers, &supersedeWorker{engine: e})
		river.AddWorker(workers, &stopWorker{engine: e})
		river.AddWorker(workers, &haltWorker{engine: e})
		river.AddWorker(workers, &resumeWorker{engine: e})
		river.AddWorker(workers, &forwardWorker{engine: e})
		river.AddWorker(workers, &redactWorker{engine: e})
		river.AddWorker(workers, &purgeWorker{engine: e})
		river.AddWorker(workers, &sweepWorker{engine: e})
		river.AddWorker(workers, &ensureWorker{engine: e})
		river.AddWorker(workers, &ensureAllWorker{engine: e})
		river.AddWorker(workers, &reconcileWorker{engine: e})
		river.AddWorker(workers, &reconcileAllWorker{engine: e})
		river.AddWorker(workers, &endDiscountsWorker{engine: e})
		river.AddWorker(workers, &fillPersonKeysWorker{engine: e})
		river.AddWorker(workers, &regainWorker{engine: e})
		cfg.Workers = workers
		cfg.Queues = map[string]river.QueueConfig{
			queueCarts: {MaxWorkers: concurrency, FetchCooldown: cooldown},
			queueCalls: {MaxWorkers: concurrency},
			queueChore: {MaxWorkers: max(concurrency/10, 2), FetchCooldown: cooldown},
		}
		cfg.PeriodicJobs = []*river.PeriodicJob{
			river.NewPeriodicJob(river.PeriodicInterval(sweepEvery), func() (river.JobArgs, *river.InsertOpts) {
				return Sweep{}, nil
			}, &river.PeriodicJobOpts{RunOnStart: true}),
			river.NewPeriodicJob(river.PeriodicInterval(purgeEvery), func() (river.JobArgs, *river.InsertOpts) {
				return Purge{}, nil
			}, &river.PeriodicJobOpts{RunOnStart: true}),
			river.NewPeriodicJob(river.PeriodicInterval(regainEvery), func() (river.JobArgs, *river.InsertOpts) {
				return RegainAccess{}, nil
			}, &river.PeriodicJobOpts{RunOnStart: true}),
		}
		periodic, err := e.shopify.periodic()
		if err != nil {
			return nil, err
		}
		cfg.PeriodicJobs = append(cfg.PeriodicJobs, periodic...)
	}
	client, err := river.NewClient(riverpgxv5.New(pool), cfg)
	if err != nil {
		return nil, err
	}
	e.Attach(client)
	return client, nil
}
