-- +goose Up

-- What Shopify asks for persons and shops: data_request, redact. person is sealed and goes when the request is done.
CREATE TABLE privacy_requests (
    id           UUID PRIMARY KEY,
    shop         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    person       BYTEA,
    webhook_day  DATE NOT NULL,
    webhook_key  BYTEA NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    due_at       TIMESTAMPTZ NOT NULL,
    done_at      TIMESTAMPTZ,
    carts        INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX privacy_requests_open ON privacy_requests (due_at) WHERE done_at IS NULL;

CREATE INDEX webhooks_by_shop ON webhooks (shop);
