package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// LeftJob is a job that was put off by a process that does not know its shop.
type LeftJob struct {
	ID          int64
	Kind        string
	Args        []byte
	Attempt     int
	MaxAttempts int
	CreatedAt   time.Time
	// Until is when River runs the job, should it not be ended before.
	Until time.Time
	Shop  string
}

// LeaveJob notes that a job was left to a process that knows its shop.
func (db *DB) LeaveJob(ctx context.Context, id int64, shop string) error {
	_, err := db.pool.Exec(ctx, `
		INSERT INTO left_jobs (job_id, shop)
		VALUES ($1, $2)
		ON CONFLICT (job_id) DO NOTHING`, id, shop)
	if err != nil {
		return fmt.Errorf("leave a job to another process: %w", err)
	}
	return nil
}

// ShopsLeft lists the shops that jobs were left of.
func (db *DB) ShopsLeft(ctx context.Context) ([]string, error) {
	shops, err := collectStrings(ctx, db.pool, `
		WITH RECURSIVE shops AS (
			(
				SELECT shop
				FROM left_jobs
				ORDER BY shop
				LIMIT 1
			)
			UNION ALL
			SELECT (
				SELECT left_jobs.shop
				FROM left_jobs
				WHERE left_jobs.shop > shops.shop
				ORDER BY left_jobs.shop
				LIMIT 1
			)
			FROM shops
			WHERE shops.shop IS NOT NULL
		)
		SELECT shop
		FROM shops
		WHERE shop IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("list the shops of jobs that were left: %w", err)
	}
	return shops, nil
}

// leftJobEnded is true of a row of left_jobs whose job has ended.
const leftJobEnded = `NOT EXISTS (
	SELECT 1
	FROM river_job
	WHERE river_job.id = left_jobs.job_id
		AND state IN ('available', 'running', 'scheduled', 'retryable', 'pending')
)`

// TakeLeftJobs takes jobs of some shops that were left, at most limit of them and none of skip. River does not run them
// for so long that the caller can.
func (db *DB) TakeLeftJobs(
	ctx context.Context, shops []string, skip []int64, limit int, lease time.Duration,
) (jobs []LeftJob, err error) {
	batch := &pgx.Batch{}
	batch.Queue(`
		DELETE FROM left_jobs
		WHERE shop = ANY ($1) AND `+leftJobEnded, shops)
	batch.Queue(`
		WITH taken AS (
			SELECT river_job.id, left_jobs.shop
			FROM left_jobs
			JOIN river_job ON river_job.id = left_jobs.job_id
			WHERE left_jobs.shop = ANY ($1)
				AND river_job.state IN ('available', 'scheduled', 'retryable')
				AND left_jobs.job_id <> ALL ($2)
			LIMIT $3
			FOR UPDATE SKIP LOCKED
		), freed AS (
			DELETE FROM left_jobs
			USING taken
			WHERE job_id = taken.id
		)
		UPDATE river_job
		SET state = 'scheduled',
			scheduled_at = $4,
			attempt = attempt + 1
		FROM taken
		WHERE river_job.id = taken.id
		RETURNING river_job.id, kind, args, attempt, max_attempts, created_at, scheduled_at, taken.shop`,
		shops, skip, limit, db.Now().Add(lease)).
		Query(func(rows pgx.Rows) (err error) {
			jobs, err = pgx.CollectRows(rows, pgx.RowToStructByPos[LeftJob])
			return err
		})
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("take jobs that were left: %w", err)
	}
	return jobs, nil
}

// LeftJobDone ends a job that was taken.
func (db *DB) LeftJobDone(ctx context.Context, j LeftJob) error {
	return db.endLeftJob(ctx, `
		UPDATE river_job
		SET state = 'completed', finalized_at = $3
		WHERE id = $1 AND state = 'scheduled' AND scheduled_at = $2`, j.ID, j.Until, db.Now())
}

// LeftJobCancelled ends a job that was taken and that cannot be done.
func (db *DB) LeftJobCancelled(ctx context.Context, j LeftJob) error {
	return db.endLeftJob(ctx, `
		UPDATE river_job
		SET state = 'cancelled', finalized_at = $3
		WHERE id = $1 AND state = 'scheduled' AND scheduled_at = $2`, j.ID, j.Until, db.Now())
}

// LeftJobLater lets River run a job that was taken at an instant. uncounted takes the try back.
func (db *DB) LeftJobLater(ctx context.Context, j LeftJob, at time.Time, uncounted bool) error {
	attempt := j.Attempt
	if uncounted {
		attempt--
	}
	return db.endLeftJob(ctx, `
		UPDATE river_job
		SET scheduled_at = $3, attempt = $4
		WHERE id = $1 AND state = 'scheduled' AND scheduled_at = $2`, j.ID, j.Until, at, attempt)
}

func (db *DB) endLeftJob(ctx context.Context, query string, args ...any) error {
	if _, err := db.pool.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("end a job that was left: %w", err)
	}
	return nil
}

// ForgetLeftJobs forgets jobs that were left and have ended since.
func (db *DB) ForgetLeftJobs(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, `
		DELETE FROM left_jobs
		WHERE `+leftJobEnded)
	if err != nil {
		return fmt.Errorf("forget jobs that were left: %w", err)
	}
	return nil
}
