package engine

import (
	"context"
	"slices"
	"time"

	"ringback/internal/postgres"
)

// LeftJob is a job that another process has put off because it does not know its shop.
type LeftJob = postgres.LeftJob

// LeaveJob notes that this process has put off a job whose shop it does not know. River may give the job to the same
// process again and again; a process that knows the shop takes it by TakeLeftJobs.
func (e *Engine) LeaveJob(ctx context.Context, id int64, shop string) error {
	if shop == "" {
		return nil
	}
	return e.db.LeaveJob(ctx, id, shop)
}

// TakeLeftJobs takes jobs of shops that this process knows and that others have left, at most limit of them and none of
// skip. River does not run them until lease is over. Each must be ended.
func (e *Engine) TakeLeftJobs(ctx context.Context, skip []int64, limit int, lease time.Duration) ([]LeftJob, error) {
	shops, err := e.db.ShopsLeft(ctx)
	if err != nil {
		return nil, err
	}
	shops = slices.DeleteFunc(shops, func(shop string) bool { return e.stores[shop] == nil })
	if len(shops) == 0 {
		return nil, nil
	}
	return e.db.TakeLeftJobs(ctx, shops, skip, limit, lease)
}

// LeftJobDone ends a job that was taken.
func (e *Engine) LeftJobDone(ctx context.Context, j LeftJob) error { return e.db.LeftJobDone(ctx, j) }

// LeftJobCancelled ends a job that was taken and that cannot be done.
func (e *Engine) LeftJobCancelled(ctx context.Context, j LeftJob) error {
	return e.db.LeftJobCancelled(ctx, j)
}

// LeftJobLater gives a job that was taken back to River, which runs it in so long; uncounted takes the try back.
func (e *Engine) LeftJobLater(ctx context.Context, j LeftJob, in time.Duration, uncounted bool) error {
	return e.db.LeftJobLater(ctx, j, e.db.Now().Add(in), uncounted)
}
