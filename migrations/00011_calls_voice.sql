-- +goose Up

SET LOCAL lock_timeout = '5s';

-- dial_starts: the instants at which the provider began to dial, each once. redials: the provider's own count of its redials.
-- account, voice_key: the account at the provider and the key that the call was placed with, so that its callbacks can be checked
-- after the configuration has changed. voice_key is a hash.
ALTER TABLE calls
    ADD COLUMN dial_starts TIMESTAMPTZ[],
    ADD COLUMN redials     INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN account     TEXT,
    ADD COLUMN voice_key   TEXT;
