-- +goose NO TRANSACTION
-- +goose Up

-- Most of what a webhook costs is the writing of a new cart, and most of that are its indexes. Carts are found by the columns
-- customer_id, email_key and phone_key only while their keys have yet to be written to person_keys. So only such carts are indexed by them.
-- The condition is the one that the program before asks with, too.
SET lock_timeout = 0;
DROP INDEX CONCURRENTLY IF EXISTS carts_unkeyed_by_customer;
CREATE INDEX CONCURRENTLY carts_unkeyed_by_customer ON carts (shop, customer_id)
    WHERE COALESCE(person_at <> updated_at, true);
DROP INDEX CONCURRENTLY IF EXISTS carts_unkeyed_by_email;
CREATE INDEX CONCURRENTLY carts_unkeyed_by_email ON carts (email_key, shop)
    WHERE COALESCE(person_at <> updated_at, true);
DROP INDEX CONCURRENTLY IF EXISTS carts_unkeyed_by_phone;
CREATE INDEX CONCURRENTLY carts_unkeyed_by_phone ON carts (phone_key, shop)
    WHERE COALESCE(person_at <> updated_at, true);
DROP INDEX CONCURRENTLY IF EXISTS carts_by_customer;
DROP INDEX CONCURRENTLY IF EXISTS carts_by_email;
DROP INDEX CONCURRENTLY IF EXISTS carts_by_phone;
RESET lock_timeout;

-- An entry of the ledger is written in the transaction that has stored its cart. The key made the database look each cart up, and lock it,
-- once more for every entry.
ALTER TABLE ledger DROP CONSTRAINT IF EXISTS ledger_cart_id_fkey;
