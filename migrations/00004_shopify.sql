-- +goose Up

-- access_lost_at: Shopify refuses our token; the merchant must install again (or the operator give another admin_token).
-- subscribed_at: when the webhook subscriptions were first complete since the install; what is repaired later is drift.
-- reconciled_until: everything that changed at Shopify before this instant has been looked at.
ALTER TABLE shops
    ADD COLUMN access_lost_at     TIMESTAMPTZ,
    ADD COLUMN access_lost_reason TEXT NOT NULL DEFAULT '',
    ADD COLUMN subscribed_at      TIMESTAMPTZ,
    ADD COLUMN reconciled_until   TIMESTAMPTZ;

-- A shop's pair of tokens, sealed.
CREATE TABLE shop_tokens (
    shop       TEXT PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL
);

-- Where the reconciling of a shop stands, so that a long one goes on where it was interrupted.
CREATE TABLE scans (
    shop     TEXT PRIMARY KEY,
    since    TIMESTAMPTZ NOT NULL,
    began_at TIMESTAMPTZ NOT NULL,
    part     TEXT NOT NULL,
    cursor   TEXT NOT NULL DEFAULT '',
    partial  BOOLEAN NOT NULL DEFAULT false
);

-- Single-use codes. The row is there before Shopify is asked; gid is empty until it has answered. code goes at erasure.
CREATE TABLE discounts (
    cart_id        UUID NOT NULL REFERENCES carts (id),
    attempt        INTEGER NOT NULL,
    shop           TEXT NOT NULL,
    code           TEXT NOT NULL,
    gid            TEXT NOT NULL DEFAULT '',
    ends_at        TIMESTAMPTZ NOT NULL,
    created_at     TIMESTAMPTZ NOT NULL,
    redeemed_at    TIMESTAMPTZ,
    deactivated_at TIMESTAMPTZ,
    PRIMARY KEY (cart_id, attempt)
);
CREATE INDEX discounts_by_code ON discounts (shop, upper(code)) WHERE code <> '';
CREATE INDEX discounts_to_end ON discounts (ends_at) WHERE gid <> '' AND redeemed_at IS NULL AND deactivated_at IS NULL;
