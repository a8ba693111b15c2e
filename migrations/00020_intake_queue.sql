-- +goose Up

-- The webhooks that were kept and have not been applied to their carts, one row for all that one transaction kept. The rows are
-- written in that transaction. Whoever applies a row deletes it in the transaction that changes the carts, so that nothing is lost
-- and nothing is applied without a trace. Holds no personal data: the payloads are in webhooks.
--
-- The arrays have one element for each webhook. keys are the webhooks' keys. checkouts are hashes of shop and checkout token, by which
-- a cart finds out that something about it waits. alone marks a webhook that is applied in a transaction of its own: it would have
-- disturbed others. due_at is when to try it again. All webhooks about one checkout have the same part; whoever applies rows of a part
-- holds its lock, so that they are applied in their order.
CREATE TABLE intake_queue (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    part         SMALLINT NOT NULL,
    day          DATE NOT NULL,
    received_at  TIMESTAMPTZ NOT NULL,
    keys         BYTEA[] NOT NULL,
    checkouts    BIGINT[] NOT NULL,
    triggered_at TIMESTAMPTZ[] NOT NULL,
    api_versions TEXT[] NOT NULL,
    tests        BOOLEAN[] NOT NULL,
    alone        BOOLEAN NOT NULL DEFAULT false,
    tries        INT NOT NULL DEFAULT 0,
    due_at       TIMESTAMPTZ
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX intake_queue_by_part ON intake_queue (part, id);

-- A hash of shop and checkout token, by which the erasure of a cart finds its payloads. NULL where cart_id says it, and for webhooks about
-- something else.
ALTER TABLE webhooks ADD COLUMN checkout BIGINT;
