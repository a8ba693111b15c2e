-- +goose Up

SET LOCAL lock_timeout = '5s';

-- What the pages show of carts and calls is summed up beforehand. Triggers write what a change adds to the sums and what
-- it takes away, whichever release of the program makes the change. They only ever add rows, so that no two transactions
-- wait for each other. A job folds these rows into the sums. Whoever reads adds up both, which is the truth at any time.
-- Holds no personal data.
--
-- since is the beginning of the hour, in UTC, in which the cart or call was made. attribution, currency and revenue are
-- those of purchased carts.
CREATE TABLE cart_deltas (
    shop        TEXT NOT NULL,
    since       TIMESTAMPTZ NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    arm         TEXT NOT NULL,
    attribution TEXT NOT NULL,
    currency    TEXT NOT NULL,
    carts       BIGINT NOT NULL,
    revenue     NUMERIC NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE call_deltas (
    shop     TEXT NOT NULL,
    since    TIMESTAMPTZ NOT NULL,
    outcome  TEXT NOT NULL,
    calls    BIGINT NOT NULL,
    answered BIGINT NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- span is 'ever', 'day' or 'hour'. shop is '' for all shops. There are hours of all shops only. What was made at any time
-- stands under '-infinity', without arm, attribution, currency and revenue.
CREATE TABLE cart_sums (
    span        TEXT NOT NULL,
    shop        TEXT NOT NULL,
    since       TIMESTAMPTZ NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    arm         TEXT NOT NULL,
    attribution TEXT NOT NULL,
    currency    TEXT NOT NULL,
    carts       BIGINT NOT NULL,
    revenue     NUMERIC NOT NULL,
    PRIMARY KEY (span, shop, since, state, reason, arm, attribution, currency)
) WITH (fillfactor = 80);
CREATE INDEX cart_sums_nothing ON cart_sums (since) WHERE carts = 0 AND revenue = 0;
CREATE TABLE call_sums (
    span     TEXT NOT NULL,
    shop     TEXT NOT NULL,
    since    TIMESTAMPTZ NOT NULL,
    outcome  TEXT NOT NULL,
    calls    BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    PRIMARY KEY (span, shop, since, outcome)
) WITH (fillfactor = 80);

-- The shops of which everything that was there before the triggers has been counted. With '' among them it has been of
-- all; nothing is folded and the sums are not read before.
CREATE TABLE counted_shops (
    shop       TEXT PRIMARY KEY,
    counted_at TIMESTAMPTZ NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION count_new_carts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cart_deltas (shop, since, state, reason, arm, attribution, currency, carts, revenue)
    SELECT shop, date_trunc('hour', created_at, 'UTC'), state, reason, arm,
        CASE WHEN state = 'purchased' THEN attribution ELSE '' END,
        CASE WHEN state = 'purchased' THEN COALESCE(NULLIF("order" ->> 'currency', ''), currency) ELSE '' END,
        count(*),
        sum(CASE WHEN state = 'purchased' THEN COALESCE(("order" ->> 'total')::numeric, total) ELSE 0 END)
    FROM new_carts
    GROUP BY 1, 2, 3, 4, 5, 6, 7;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION count_changed_cart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cart_deltas (shop, since, state, reason, arm, attribution, currency, carts, revenue)
    VALUES (
        OLD.shop, date_trunc('hour', OLD.created_at, 'UTC'), OLD.state, OLD.reason, OLD.arm,
        CASE WHEN OLD.state = 'purchased' THEN OLD.attribution ELSE '' END,
        CASE WHEN OLD.state = 'purchased' THEN COALESCE(NULLIF(OLD."order" ->> 'currency', ''), OLD.currency) ELSE '' END,
        -1,
        CASE WHEN OLD.state = 'purchased' THEN -COALESCE((OLD."order" ->> 'total')::numeric, OLD.total) ELSE 0 END
    );
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    INSERT INTO cart_deltas (shop, since, state, reason, arm, attribution, currency, carts, revenue)
    VALUES (
        NEW.shop, date_trunc('hour', NEW.created_at, 'UTC'), NEW.state, NEW.reason, NEW.arm,
        CASE WHEN NEW.state = 'purchased' THEN NEW.attribution ELSE '' END,
        CASE WHEN NEW.state = 'purchased' THEN COALESCE(NULLIF(NEW."order" ->> 'currency', ''), NEW.currency) ELSE '' END,
        1,
        CASE WHEN NEW.state = 'purchased' THEN COALESCE((NEW."order" ->> 'total')::numeric, NEW.total) ELSE 0 END
    );
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION count_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.sent_at IS NOT NULL AND OLD.state <> 'rejected' THEN
        INSERT INTO call_deltas (shop, since, outcome, calls, answered)
        VALUES (OLD.shop, date_trunc('hour', OLD.created_at, 'UTC'), OLD.outcome, -1, -(OLD.answered_at IS NOT NULL)::int);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.sent_at IS NOT NULL AND NEW.state <> 'rejected' THEN
        INSERT INTO call_deltas (shop, since, outcome, calls, answered)
        VALUES (NEW.shop, date_trunc('hour', NEW.created_at, 'UTC'), NEW.outcome, 1, (NEW.answered_at IS NOT NULL)::int);
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Many carts are new at once, and most changes of a cart change nothing that is counted.
CREATE TRIGGER count_new_carts AFTER INSERT ON carts
REFERENCING NEW TABLE AS new_carts
FOR EACH STATEMENT EXECUTE FUNCTION count_new_carts();
CREATE TRIGGER count_changed_cart AFTER UPDATE ON carts
FOR EACH ROW WHEN (
    OLD.state <> NEW.state
    OR OLD.reason <> NEW.reason
    OR OLD.arm <> NEW.arm
    OR OLD.shop <> NEW.shop
    OR OLD.created_at <> NEW.created_at
    OR NEW.state = 'purchased' AND (
        OLD.attribution <> NEW.attribution
        OR OLD.total <> NEW.total
        OR OLD.currency <> NEW.currency
        OR OLD."order" IS DISTINCT FROM NEW."order"
    )
) EXECUTE FUNCTION count_changed_cart();
CREATE TRIGGER count_deleted_cart AFTER DELETE ON carts
FOR EACH ROW EXECUTE FUNCTION count_changed_cart();

CREATE TRIGGER count_new_call AFTER INSERT ON calls
FOR EACH ROW WHEN (NEW.sent_at IS NOT NULL AND NEW.state <> 'rejected') EXECUTE FUNCTION count_call();
CREATE TRIGGER count_changed_call AFTER UPDATE ON calls
FOR EACH ROW WHEN (
    OLD.outcome <> NEW.outcome
    OR (OLD.sent_at IS NULL) <> (NEW.sent_at IS NULL)
    OR (OLD.state = 'rejected') <> (NEW.state = 'rejected')
    OR (OLD.answered_at IS NULL) <> (NEW.answered_at IS NULL)
    OR OLD.shop <> NEW.shop
    OR OLD.created_at <> NEW.created_at
) EXECUTE FUNCTION count_call();
CREATE TRIGGER count_deleted_call AFTER DELETE ON calls
FOR EACH ROW EXECUTE FUNCTION count_call();

-- In a new database there is nothing to count. The triggers have locked carts.
INSERT INTO counted_shops (shop, counted_at)
SELECT '', now()
WHERE NOT EXISTS (SELECT FROM carts);
