-- +goose Up

-- A shop that we know of, configured or installed.
CREATE TABLE shops (
    domain             TEXT PRIMARY KEY,
    installed_at       TIMESTAMPTZ,
    uninstalled_at     TIMESTAMPTZ,
    paused_at          TIMESTAMPTZ,
    paused_by          TEXT NOT NULL DEFAULT '',
    breaker_at         TIMESTAMPTZ,
    breaker_reason     TEXT NOT NULL DEFAULT '',
    breaker_until      TIMESTAMPTZ,
    resumed_at         TIMESTAMPTZ,
    last_webhook_at    TIMESTAMPTZ,
    credits_left       NUMERIC,
    created_at         TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- What happened to a shop as a whole: pauses, breakers, installs, drift.
CREATE TABLE shop_events (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop   TEXT NOT NULL,
    at     TIMESTAMPTZ NOT NULL,
    event  TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX shop_events_by_shop ON shop_events (shop, id DESC);

-- phone_key, email_key: keyed hashes, so that a person can be matched, capped and suppressed after erasure.
CREATE TABLE carts (
    id               UUID PRIMARY KEY,
    shop             TEXT NOT NULL,
    token            TEXT NOT NULL,
    checkout_id      TEXT NOT NULL DEFAULT '',
    cart_token       TEXT NOT NULL DEFAULT '',
    customer_id      TEXT NOT NULL DEFAULT '',
    email_key        BYTEA,
    phone_key        BYTEA,
    state            TEXT NOT NULL,
    reason           TEXT NOT NULL,
    checkout         JSONB NOT NULL,
    phone            TEXT NOT NULL DEFAULT '',
    phone_from       TEXT NOT NULL DEFAULT '',
    country          TEXT NOT NULL DEFAULT '',
    total            NUMERIC NOT NULL DEFAULT 0,
    currency         TEXT NOT NULL DEFAULT '',
    assistant        TEXT NOT NULL DEFAULT '',
    last_activity_at TIMESTAMPTZ NOT NULL,
    wake_at          TIMESTAMPTZ,
    wake_job_id      BIGINT,
    wake_job_at      TIMESTAMPTZ,
    ready_at         TIMESTAMPTZ,
    callback_at      TIMESTAMPTZ,
    forced           BOOLEAN NOT NULL DEFAULT false,
    attempts         INTEGER NOT NULL DEFAULT 0,
    updates          INTEGER NOT NULL DEFAULT 0,
    arm              TEXT NOT NULL DEFAULT '',
    attribution      TEXT NOT NULL DEFAULT '',
    "order"          JSONB,
    purchased_at     TIMESTAMPTZ,
    created_at       TIMESTAMPTZ NOT NULL,
    updated_at       TIMESTAMPTZ NOT NULL,
    erased_at        TIMESTAMPTZ,
    UNIQUE (shop, token)
) WITH (fillfactor = 80);
CREATE INDEX carts_by_shop ON carts (shop, id DESC);
CREATE INDEX carts_by_shop_state ON carts (shop, state, id DESC);
CREATE INDEX carts_by_state ON carts (state, id DESC);
CREATE INDEX carts_by_checkout_id ON carts (shop, checkout_id) WHERE checkout_id <> '';
CREATE INDEX carts_by_cart_token ON carts (shop, cart_token) WHERE cart_token <> '';
CREATE INDEX carts_by_customer ON carts (shop, customer_id) WHERE customer_id <> '';
CREATE INDEX carts_by_email ON carts (shop, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX carts_by_phone ON carts (phone_key, shop) WHERE phone_key IS NOT NULL;
CREATE INDEX carts_ready_by_value ON carts (assistant, total DESC, ready_at) WHERE state = 'ready';
CREATE INDEX carts_ready_by_age ON carts (assistant, ready_at) WHERE state = 'ready';
CREATE INDEX carts_to_wake ON carts (wake_at) WHERE state = 'waiting';
CREATE INDEX carts_to_erase ON carts (last_activity_at) WHERE erased_at IS NULL;

CREATE TABLE calls (
    id               UUID PRIMARY KEY,
    cart_id          UUID NOT NULL REFERENCES carts (id),
    shop             TEXT NOT NULL,
    attempt          INTEGER NOT NULL,
    state            TEXT NOT NULL,
    outcome          TEXT NOT NULL DEFAULT '',
    provider         TEXT NOT NULL,
    assistant        TEXT NOT NULL,
    holds_line       BOOLEAN NOT NULL,
    provider_call_id TEXT NOT NULL DEFAULT '',
    token_hash       BYTEA,
    phone            TEXT NOT NULL,
    phone_key        BYTEA NOT NULL,
    offer            JSONB,
    priority         BOOLEAN NOT NULL DEFAULT false,
    created_at       TIMESTAMPTZ NOT NULL,
    sent_at          TIMESTAMPTZ,
    placed_at        TIMESTAMPTZ,
    answered_at      TIMESTAMPTZ,
    ended_at         TIMESTAMPTZ,
    closed_at        TIMESTAMPTZ,
    heard_at         TIMESTAMPTZ,
    watch_at         TIMESTAMPTZ,
    abort_at         TIMESTAMPTZ,
    abort_reason     TEXT NOT NULL DEFAULT '',
    aborted_at       TIMESTAMPTZ,
    dials            INTEGER NOT NULL DEFAULT 0,
    rescheduled      BOOLEAN NOT NULL DEFAULT false,
    seen             TEXT[] NOT NULL DEFAULT '{}',
    digests          BYTEA[] NOT NULL DEFAULT '{}',
    duration_seconds INTEGER,
    summary          TEXT NOT NULL DEFAULT '',
    recording_url    TEXT NOT NULL DEFAULT '',
    required_actions TEXT[] NOT NULL DEFAULT '{}',
    insights         JSONB NOT NULL DEFAULT '{}',
    credits_used     NUMERIC,
    error            TEXT NOT NULL DEFAULT ''
);
-- At most one dial per attempt: only an attempt that surely reached nobody may be made again.
CREATE UNIQUE INDEX calls_once_per_attempt ON calls (cart_id, attempt) WHERE state <> 'rejected';
CREATE INDEX calls_by_cart ON calls (cart_id);
CREATE INDEX calls_by_shop ON calls (shop, id DESC);
CREATE INDEX calls_by_phone ON calls (phone_key, created_at);
CREATE INDEX calls_by_shop_time ON calls (shop, created_at);
CREATE INDEX calls_on_lines ON calls (assistant) WHERE holds_line;
CREATE INDEX calls_to_watch ON calls (watch_at) WHERE watch_at IS NOT NULL;
CREATE INDEX calls_by_provider_id ON calls (provider, provider_call_id) WHERE provider_call_id <> '';
CREATE UNIQUE INDEX calls_by_token ON calls (token_hash) WHERE token_hash IS NOT NULL;

-- Entries are only ever added, and leave with their cart.
CREATE TABLE ledger (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cart_id    UUID NOT NULL REFERENCES carts (id),
    at         TIMESTAMPTZ NOT NULL,
    event      TEXT NOT NULL,
    call_id    UUID,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    trace      JSONB
);
CREATE INDEX ledger_by_cart ON ledger (cart_id, id);

-- Every order seen lately: the tombstone that a late checkout meets. Holds no personal data.
CREATE TABLE orders (
    shop           TEXT NOT NULL,
    order_id       TEXT NOT NULL,
    checkout_token TEXT NOT NULL DEFAULT '',
    cart_token     TEXT NOT NULL DEFAULT '',
    customer_id    TEXT NOT NULL DEFAULT '',
    email_key      BYTEA,
    phone_keys     BYTEA[] NOT NULL DEFAULT '{}',
    name           TEXT NOT NULL DEFAULT '',
    total          NUMERIC NOT NULL,
    currency       TEXT NOT NULL DEFAULT '',
    codes          TEXT[] NOT NULL DEFAULT '{}',
    cart_id        UUID,
    created_at     TIMESTAMPTZ NOT NULL,
    updated_at     TIMESTAMPTZ NOT NULL,
    received_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (shop, order_id)
);
CREATE INDEX orders_by_checkout ON orders (shop, checkout_token) WHERE checkout_token <> '';
CREATE INDEX orders_by_cart_token ON orders (shop, cart_token) WHERE cart_token <> '';
CREATE INDEX orders_by_customer ON orders (shop, customer_id) WHERE customer_id <> '';
CREATE INDEX orders_by_email ON orders (shop, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX orders_by_phone ON orders USING gin (phone_keys);
CREATE INDEX orders_by_age ON orders (received_at);

-- People who must not be called. scope is a shop's domain, or '' for every shop. value goes at erasure, key stays.
CREATE TABLE suppressions (
    id         UUID PRIMARY KEY,
    scope      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    key        BYTEA NOT NULL,
    value      TEXT,
    source     TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    UNIQUE (key, scope)
);
CREATE INDEX suppressions_by_scope ON suppressions (scope, id DESC);

-- Webhooks as they came, by day of receipt; a day is dropped whole. key is a hash of shop and webhook id.
CREATE TABLE webhooks (
    day         DATE NOT NULL,
    key         BYTEA NOT NULL,
    shop        TEXT NOT NULL,
    topic       TEXT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    cart_id     UUID,
    payload     BYTEA COMPRESSION lz4,
    error       TEXT,
    PRIMARY KEY (day, key)
) PARTITION BY RANGE (day);
CREATE TABLE webhooks_rest PARTITION OF webhooks DEFAULT;
CREATE INDEX webhooks_by_cart ON webhooks (cart_id) WHERE cart_id IS NOT NULL;
CREATE INDEX webhooks_by_error ON webhooks (received_at) WHERE error IS NOT NULL;

-- What voice APIs sent, by day of receipt.
CREATE TABLE callbacks (
    day         DATE NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    provider    TEXT NOT NULL,
    call_id     UUID,
    type        TEXT NOT NULL,
    payload     BYTEA COMPRESSION lz4,
    error       TEXT
) PARTITION BY RANGE (day);
CREATE TABLE callbacks_rest PARTITION OF callbacks DEFAULT;
CREATE INDEX callbacks_by_call ON callbacks (call_id) WHERE call_id IS NOT NULL;

-- One row while a fill_lines job of an assistant is wanted and has not begun.
CREATE TABLE fills (
    assistant TEXT PRIMARY KEY
);

-- Data keys, sealed under the configured encryption key.
CREATE TABLE keys (
    name   TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL
);

-- Dashboard sessions.
CREATE TABLE sessions (
    token  TEXT PRIMARY KEY,
    data   BYTEA NOT NULL,
    expiry TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expiry);
