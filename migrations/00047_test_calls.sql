-- +goose Up

-- Calls to the operator's own numbers, with a sample cart. They are no part of carts and calls, so no statistic, cap or
-- list has to leave them out. cart is the sample cart with its call, as JSON. It holds the number called and what was said;
-- rows go as other personal data do. id is the call's.
CREATE TABLE test_calls (
    id               UUID PRIMARY KEY,
    shop             TEXT NOT NULL,
    phone_key        BYTEA NOT NULL,
    made_by          TEXT NOT NULL,
    provider         TEXT NOT NULL,
    assistant        TEXT NOT NULL,
    account          TEXT NOT NULL DEFAULT '',
    voice_key        TEXT NOT NULL DEFAULT '',
    provider_call_id TEXT NOT NULL DEFAULT '',
    token_hash       BYTEA,
    holds_line       BOOLEAN NOT NULL,
    is_open          BOOLEAN NOT NULL,
    created_at       TIMESTAMPTZ NOT NULL,
    cart             JSONB NOT NULL
);
-- A number rings once, however often the button is pressed.
CREATE UNIQUE INDEX test_calls_once ON test_calls (shop, phone_key) WHERE is_open;
CREATE UNIQUE INDEX test_calls_by_token ON test_calls (token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX test_calls_by_provider_id ON test_calls (provider, provider_call_id) WHERE provider_call_id <> '';
CREATE INDEX test_calls_by_shop ON test_calls (shop, id DESC);
CREATE INDEX test_calls_on_lines ON test_calls (assistant) WHERE holds_line;
