-- +goose Up

SET LOCAL lock_timeout = '5s';

-- What is remembered of an order's money beside its total: a cancellation, the payment, the totals of its newest version.
ALTER TABLE orders ADD COLUMN money JSONB;

-- Every refund told of lately. An order that comes after its refund, or a checkout that comes after both, meets it.
-- currency is the payment's. Holds no personal data.
CREATE TABLE refunds (
    shop        TEXT NOT NULL,
    order_id    TEXT NOT NULL,
    refund_id   TEXT NOT NULL,
    amount      NUMERIC NOT NULL,
    currency    TEXT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (shop, order_id, refund_id)
);
CREATE INDEX refunds_by_age ON refunds (received_at);

-- How much of what was bought did not stay, and how much of it is paid at the door, summed up as carts are in 00023. Only
-- carts whose order says something of the kind are counted: the rest of the revenue stayed. The tables are apart from
-- cart_deltas and cart_sums because the release before folds those and does not know more columns. cancelled_carts
-- counts the cancelled orders. The amounts are within the revenue of cart_sums.
CREATE TABLE money_deltas (
    shop            TEXT NOT NULL,
    since           TIMESTAMPTZ NOT NULL,
    arm             TEXT NOT NULL,
    attribution     TEXT NOT NULL,
    currency        TEXT NOT NULL,
    refunded        NUMERIC NOT NULL,
    cancelled       NUMERIC NOT NULL,
    cancelled_carts BIGINT NOT NULL,
    cod_carts       BIGINT NOT NULL,
    cod_gross       NUMERIC NOT NULL,
    cod_refunded    NUMERIC NOT NULL,
    cod_cancelled   NUMERIC NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE money_sums (
    span            TEXT NOT NULL,
    shop            TEXT NOT NULL,
    since           TIMESTAMPTZ NOT NULL,
    arm             TEXT NOT NULL,
    attribution     TEXT NOT NULL,
    currency        TEXT NOT NULL,
    refunded        NUMERIC NOT NULL,
    cancelled       NUMERIC NOT NULL,
    cancelled_carts BIGINT NOT NULL,
    cod_carts       BIGINT NOT NULL,
    cod_gross       NUMERIC NOT NULL,
    cod_refunded    NUMERIC NOT NULL,
    cod_cancelled   NUMERIC NOT NULL,
    PRIMARY KEY (span, shop, since, arm, attribution, currency)
) WITH (fillfactor = 80);

-- +goose StatementBegin
CREATE FUNCTION money_delta(c carts, sign INTEGER) RETURNS void LANGUAGE sql AS $$
    INSERT INTO money_deltas (
        shop, since, arm, attribution, currency,
        refunded, cancelled, cancelled_carts, cod_carts, cod_gross, cod_refunded, cod_cancelled
    )
    SELECT c.shop, date_trunc('hour', c.created_at, 'UTC'), c.arm, c.attribution,
        COALESCE(NULLIF(c."order" ->> 'currency', ''), c.currency),
        sign * refunded, sign * cancelled, sign * (cancelled <> 0)::int,
        sign * cod, sign * cod * COALESCE((c."order" ->> 'total')::numeric, c.total), sign * cod * refunded, sign * cod * cancelled
    FROM (
        SELECT
            COALESCE((c."order" ->> 'refunded')::numeric, 0) AS refunded,
            COALESCE((c."order" ->> 'cancelled')::numeric, 0) AS cancelled,
            COALESCE((c."order" ->> 'cash_on_delivery')::boolean, false)::int AS cod
    ) AS m
    WHERE c.state = 'purchased' AND (refunded <> 0 OR cancelled <> 0 OR cod <> 0)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION count_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM money_delta(OLD, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM money_delta(NEW, 1);
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER count_new_money AFTER INSERT ON carts
FOR EACH ROW WHEN (NEW.state = 'purchased' AND NEW."order" IS NOT NULL) EXECUTE FUNCTION count_money();
CREATE TRIGGER count_changed_money AFTER UPDATE ON carts
FOR EACH ROW WHEN (
    (OLD.state = 'purchased' AND OLD."order" IS NOT NULL OR NEW.state = 'purchased' AND NEW."order" IS NOT NULL)
    AND (
        OLD.state <> NEW.state
        OR OLD.arm <> NEW.arm
        OR OLD.attribution <> NEW.attribution
        OR OLD.total <> NEW.total
        OR OLD.currency <> NEW.currency
        OR OLD."order" IS DISTINCT FROM NEW."order"
        OR OLD.shop <> NEW.shop
        OR OLD.created_at <> NEW.created_at
    )
) EXECUTE FUNCTION count_money();
CREATE TRIGGER count_deleted_money AFTER DELETE ON carts
FOR EACH ROW WHEN (OLD.state = 'purchased' AND OLD."order" IS NOT NULL) EXECUTE FUNCTION count_money();
