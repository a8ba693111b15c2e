-- +goose Up

-- What a shop's offers cost this month is asked before every call of a shop with a budget.
CREATE INDEX carts_by_offer ON carts (shop, purchased_at) WHERE attribution = 'offer';

-- Whoever must not be called in any shop is looked for in all of them.
DROP INDEX carts_by_email;
CREATE INDEX carts_by_email ON carts (email_key, shop) WHERE email_key IS NOT NULL;
