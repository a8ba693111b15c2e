-- +goose Up

-- Jobs that a process has put off because its configuration lacks their shop. Processes that know the shop run them.
CREATE TABLE left_jobs (
    job_id BIGINT PRIMARY KEY,
    shop   TEXT NOT NULL
);
CREATE INDEX left_jobs_by_shop ON left_jobs (shop, job_id);
