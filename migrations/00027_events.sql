-- +goose Up

-- How many events of a cart and of a shop were made for endpoints: the events' sequence.
ALTER TABLE carts ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shops ADD COLUMN events INTEGER NOT NULL DEFAULT 0;

-- The endpoints that events are sent to. id is a hash of the address, which may hold a secret and is not kept; host is the part
-- of it that may be shown. failing_since is when the first delivery failed after the last one that succeeded; after a day
-- the endpoint is switched off. While many deliveries fail in a row, it rests: rests counts how often it did.
CREATE TABLE endpoints (
    id            TEXT PRIMARY KEY,
    host          TEXT NOT NULL,
    fails         INTEGER NOT NULL DEFAULT 0,
    failing_since TIMESTAMPTZ,
    failed_why    TEXT NOT NULL DEFAULT '',
    rests         INTEGER NOT NULL DEFAULT 0,
    rest_until    TIMESTAMPTZ,
    delivered_at  TIMESTAMPTZ,
    off_at        TIMESTAMPTZ,
    noted_at      TIMESTAMPTZ NOT NULL
);

-- An event and its delivery to one endpoint. The rows are written in the transaction of the change that they tell of, and
-- are dropped with the payloads of webhooks. Holds no personal data: that is looked up when the event is sent.
--
-- stream is the cart's id, or a hash of the shop's domain for an event about a shop. The events of a stream go to an endpoint
-- in the order of seq; the earliest pending one says, by due_at, when the stream is looked at again. A stream that is being
-- sent is due when its sender must be taken for dead. digest names the callback that an agent's action came with. attempts
-- lists the tries that were made.
CREATE TABLE deliveries (
    stream        UUID NOT NULL,
    endpoint      TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    event_id      UUID NOT NULL,
    shop          TEXT NOT NULL,
    type          TEXT NOT NULL,
    call_id       UUID,
    digest        BYTEA,
    at            TIMESTAMPTZ NOT NULL,
    facts         JSONB NOT NULL,
    state         TEXT NOT NULL DEFAULT 'pending',
    due_at        TIMESTAMPTZ NOT NULL,
    tries         INTEGER NOT NULL DEFAULT 0,
    failing_since TIMESTAMPTZ,
    done_at       TIMESTAMPTZ,
    attempts      JSONB NOT NULL DEFAULT '[]',
    PRIMARY KEY (stream, endpoint, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX deliveries_due ON deliveries (endpoint, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, event_id);
