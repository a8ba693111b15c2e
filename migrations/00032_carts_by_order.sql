-- +goose NO TRANSACTION
-- +goose Up

SET lock_timeout = 0;

-- A refund names its order alone, and may come long after the order was forgotten.
DROP INDEX CONCURRENTLY IF EXISTS carts_by_order;
CREATE INDEX CONCURRENTLY carts_by_order ON carts (shop, ("order" ->> 'id')) WHERE "order" IS NOT NULL;

RESET lock_timeout;
