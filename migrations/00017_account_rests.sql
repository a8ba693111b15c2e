-- +goose Up

-- Accounts at a voice API that answered 429 (too many requests). No call is placed with one before "until"; then one is tried, and the
-- row goes when the voice API accepts it. refusals counts the answers 429 in a row.
CREATE TABLE account_rests (
    account  TEXT PRIMARY KEY,
    until    TIMESTAMPTZ NOT NULL,
    refusals INTEGER NOT NULL
);

-- Since when the cart had waited for the line of this call: its place among the ready carts, should the call not be placed.
ALTER TABLE calls ADD COLUMN ready_at TIMESTAMPTZ;
