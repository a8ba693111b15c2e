-- +goose Up

SET LOCAL lock_timeout = '5s';

-- What goes wrong again and again. scope is a shop's domain, or an account at a voice API. A row goes when the same thing works again.
-- detail holds no personal data and no secrets.
CREATE TABLE faults (
    scope  TEXT NOT NULL,
    code   TEXT NOT NULL,
    since  TIMESTAMPTZ NOT NULL,
    last   TIMESTAMPTZ NOT NULL,
    times  BIGINT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (scope, code)
);

-- What people were told of: a shop's reason, from when it came up until it was over. There is one open row for a shop and a code.
CREATE TABLE alerts (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop        TEXT NOT NULL,
    code        TEXT NOT NULL,
    says        TEXT NOT NULL,
    remedy      TEXT NOT NULL,
    raised_at   TIMESTAMPTZ NOT NULL,
    resolved_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX alerts_open ON alerts (shop, code) WHERE resolved_at IS NULL;
CREATE INDEX alerts_by_age ON alerts (resolved_at) WHERE resolved_at IS NOT NULL;

-- The longest time between two webhooks, which fades: how long the shop is usually silent.
ALTER TABLE shops ADD COLUMN longest_gap_seconds DOUBLE PRECISION NOT NULL DEFAULT 0;
