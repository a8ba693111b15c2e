-- +goose NO TRANSACTION
-- +goose Up

SET lock_timeout = 0;

-- A job that is about to supersede the older carts of a person is turned to their newest cart, so that no other one is needed.
DROP INDEX CONCURRENTLY IF EXISTS river_job_supersede;
CREATE INDEX CONCURRENTLY river_job_supersede ON river_job ((args ->> 'cart_id'))
WHERE kind = 'supersede' AND state = 'available';

RESET lock_timeout;
