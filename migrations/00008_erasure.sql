-- +goose Up
SET LOCAL lock_timeout = '5s';

-- Suppressions that were lifted, as they were, with who lifted them, when and why. They live apart from those in force, so that every
-- reader of suppressions finds those alone. value and lifted_reason go at erasure, key stays.
CREATE TABLE lifted_suppressions (
    id            UUID PRIMARY KEY,
    scope         TEXT NOT NULL,
    kind          TEXT NOT NULL,
    key           BYTEA NOT NULL,
    value         TEXT,
    source        TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    lifted_at     TIMESTAMPTZ NOT NULL,
    lifted_by     TEXT NOT NULL,
    lifted_reason TEXT NOT NULL
);
CREATE INDEX lifted_suppressions_by_scope ON lifted_suppressions (scope, id DESC);
CREATE INDEX lifted_suppressions_by_key ON lifted_suppressions (key);

-- Keyed hashes of the customer ids, emails, phones and last digits of phones of people who were erased at their request: a message
-- that comes later and has one of them is kept without its payload. name is the entry in person_keys that key belongs to.
CREATE TABLE erased_people (
    shop      TEXT NOT NULL,
    key       BYTEA NOT NULL,
    name      BYTEA NOT NULL,
    erased_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (shop, key)
);
CREATE INDEX erased_people_by_key ON erased_people (key);

-- How far a job that goes through a large table has come: every row up to last_id is done.
CREATE TABLE progress (
    name    TEXT PRIMARY KEY,
    last_id BIGINT NOT NULL
);

CREATE INDEX suppressions_to_forget ON suppressions (created_at) WHERE value IS NOT NULL;
