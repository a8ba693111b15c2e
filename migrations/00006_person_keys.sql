-- +goose Up

-- What a person is known by, and what belongs to them. One row says that a cart or an order was told with a key: a customer
-- account, an email or a number. Every question about a person is a look-up here: their carts, their orders, the calls to them.
--
-- key is one byte for its kind (c, e or p) and a keyed hash; the id of a customer account is hashed with its shop. A row belongs to
-- a cart when order_id is '', else to an order of the shop. A cart's keys only ever grow: an opt-out or an erasure concerns
-- whoever the cart was of, under every name that it was told with. They stay after erasure, as phone_key and email_key do. An
-- order's keys go with the order. No foreign keys: they would look each cart up once more for every key.
CREATE TABLE person_keys (
    key      BYTEA NOT NULL,
    shop     TEXT NOT NULL,
    cart_id  UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    order_id TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (key, shop, cart_id, order_id)
);

-- person holds all keys that a cart or an order has in person_keys, so that whoever has read the row knows which are new.
-- person_at is the updated_at at which they were written. Where the two differ, the program before this one has written the row
-- since, or no program after it ever has; the job fill_person_keys then writes the keys. The rows that it has yet to visit are found by a
-- partial index, which is empty once it is done: that is the record of its being done, however long an old process goes on
-- writing. Until then such a row is also looked for by its customer_id, email_key and phone_key, as the program before does.
ALTER TABLE carts
    ADD COLUMN person    BYTEA[],
    ADD COLUMN person_at TIMESTAMPTZ;
ALTER TABLE orders
    ADD COLUMN person    BYTEA[],
    ADD COLUMN person_at TIMESTAMPTZ;
