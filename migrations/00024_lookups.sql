-- +goose NO TRANSACTION
-- +goose Up

SET lock_timeout = 0;

-- The parts of a span of time at its ends, which no sum covers.
DROP INDEX CONCURRENTLY IF EXISTS carts_by_shop_time;
CREATE INDEX CONCURRENTLY carts_by_shop_time ON carts (shop, created_at);

-- Lists of the carts with a reason, however rare. A cart that waits for its delay is the usual one: it is found by its
-- state.
DROP INDEX CONCURRENTLY IF EXISTS carts_by_reason;
CREATE INDEX CONCURRENTLY carts_by_reason ON carts (reason, id DESC) WHERE reason <> 'delay';
DROP INDEX CONCURRENTLY IF EXISTS carts_by_shop_reason;
CREATE INDEX CONCURRENTLY carts_by_shop_reason ON carts (shop, reason, id DESC) WHERE reason <> 'delay';

RESET lock_timeout;
