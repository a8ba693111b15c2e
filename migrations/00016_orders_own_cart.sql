-- +goose Up

SET LOCAL lock_timeout = '5s';

-- True for an order that answers only the cart it names by a token or a code, never another cart of the same person: a test order, or a
-- subscription that renewed by itself.
ALTER TABLE orders ADD COLUMN own_cart_only BOOLEAN NOT NULL DEFAULT false;

-- Whether a waiting webhook was a test notification.
ALTER TABLE waiting_webhooks ADD COLUMN test BOOLEAN NOT NULL DEFAULT false;
