-- +goose NO TRANSACTION
-- +goose Up

SET lock_timeout = 0;

-- The rows whose person_keys have to be written; see the file before. An attempt that broke off leaves an invalid index behind.
DROP INDEX CONCURRENTLY IF EXISTS carts_without_person_keys;
CREATE INDEX CONCURRENTLY carts_without_person_keys ON carts (id) WHERE person_at IS DISTINCT FROM updated_at;
DROP INDEX CONCURRENTLY IF EXISTS orders_without_person_keys;
CREATE INDEX CONCURRENTLY orders_without_person_keys ON orders (shop, order_id) WHERE person_at IS DISTINCT FROM updated_at;

RESET lock_timeout;
