-- +goose Up

-- What the store's own system said of a number when it was asked before a call. phone_key is a keyed hash; reason is a
-- word of the system's, never free text. A row goes when it is too old to be believed, and with the person.
CREATE TABLE prechecks (
    shop       TEXT NOT NULL,
    phone_key  BYTEA NOT NULL,
    endpoint   TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    until      TIMESTAMPTZ,
    asked_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (shop, phone_key, endpoint)
);
CREATE INDEX prechecks_by_age ON prechecks (asked_at);
