-- +goose Up

-- When a call was picked up, by whomever. answered_at is the same when it was the customer.
ALTER TABLE calls ADD COLUMN picked_up_at TIMESTAMPTZ;
