-- +goose Up

SET LOCAL lock_timeout = '5s';

-- What an analysis told, and what became of the offer. analysis, transcript and an abandon_reason of an assistant's own
-- may hold personal data.
ALTER TABLE calls
    ADD COLUMN analysis       JSONB,
    ADD COLUMN transcript     TEXT NOT NULL DEFAULT '',
    ADD COLUMN abandon_reason TEXT NOT NULL DEFAULT '',
    ADD COLUMN offer_fate     TEXT NOT NULL DEFAULT '';

-- How often a reason was told and an offer fared in some way, summed up as carts and calls are. kind is 'reason' or
-- 'offer'. Nothing is to be counted of the time before: the columns are new.
CREATE TABLE said_deltas (
    shop  TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    kind  TEXT NOT NULL,
    value TEXT NOT NULL,
    calls BIGINT NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE said_sums (
    span  TEXT NOT NULL,
    shop  TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    kind  TEXT NOT NULL,
    value TEXT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (span, shop, since, kind, value)
) WITH (fillfactor = 80);
CREATE INDEX said_sums_nothing ON said_sums (since) WHERE calls = 0;

-- +goose StatementBegin
CREATE FUNCTION count_said() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        -- A reason that is erased with its person leaves no trace, if it has not been folded yet.
        WITH undone AS (
            DELETE FROM said_deltas
            WHERE ctid IN (
                SELECT ctid
                FROM said_deltas
                WHERE kind = 'reason' AND value = OLD.abandon_reason AND shop = OLD.shop AND calls = 1
                    AND since = date_trunc('hour', OLD.created_at, 'UTC')
                LIMIT 1
                FOR UPDATE SKIP LOCKED
            )
            RETURNING kind
        )
        INSERT INTO said_deltas (shop, since, kind, value, calls)
        SELECT OLD.shop, date_trunc('hour', OLD.created_at, 'UTC'), kind, value, -1
        FROM (VALUES ('reason', OLD.abandon_reason), ('offer', OLD.offer_fate)) AS said (kind, value)
        WHERE value <> '' AND kind NOT IN (SELECT kind FROM undone);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO said_deltas (shop, since, kind, value, calls)
        SELECT NEW.shop, date_trunc('hour', NEW.created_at, 'UTC'), kind, value, 1
        FROM (VALUES ('reason', NEW.abandon_reason), ('offer', NEW.offer_fate)) AS said (kind, value)
        WHERE value <> '';
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER count_said_at_insert AFTER INSERT ON calls
FOR EACH ROW WHEN (NEW.abandon_reason <> '' OR NEW.offer_fate <> '') EXECUTE FUNCTION count_said();
CREATE TRIGGER count_said_at_update AFTER UPDATE ON calls
FOR EACH ROW WHEN (
    OLD.abandon_reason <> NEW.abandon_reason
    OR OLD.offer_fate <> NEW.offer_fate
    OR (NEW.abandon_reason <> '' OR NEW.offer_fate <> '') AND (OLD.shop <> NEW.shop OR OLD.created_at <> NEW.created_at)
) EXECUTE FUNCTION count_said();
CREATE TRIGGER count_said_at_delete AFTER DELETE ON calls
FOR EACH ROW WHEN (OLD.abandon_reason <> '' OR OLD.offer_fate <> '') EXECUTE FUNCTION count_said();
