-- +goose Up

SET LOCAL lock_timeout = '5s';

-- What is long is compressed, when it is written, in a fraction of the time.
ALTER TABLE carts ALTER COLUMN checkout SET COMPRESSION lz4;
ALTER TABLE carts ALTER COLUMN "order" SET COMPRESSION lz4;
ALTER TABLE ledger ALTER COLUMN trace SET COMPRESSION lz4;

-- Nothing is asked of these columns that the planner could use statistics for, and making them takes longer than those
-- of all others.
ALTER TABLE carts ALTER COLUMN checkout SET STATISTICS 0;
ALTER TABLE carts ALTER COLUMN person SET STATISTICS 0;
ALTER TABLE ledger ALTER COLUMN trace SET STATISTICS 0;
