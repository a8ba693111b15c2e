-- +goose Up

SET LOCAL lock_timeout = '5s';

-- Webhooks of shops that the process which took them in does not know, in the order in which they came. A row stands until a process
-- that knows the shop has acted upon the webhook; until then nobody is called for the shop. Holds no personal data.
CREATE TABLE waiting_webhooks (
    shop         TEXT NOT NULL,
    id           BIGINT GENERATED ALWAYS AS IDENTITY,
    day          DATE NOT NULL,
    key          BYTEA NOT NULL,
    api_version  TEXT NOT NULL DEFAULT '',
    triggered_at TIMESTAMPTZ,
    received_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (shop, id)
);

-- Those that were put aside unread by the program before.
INSERT INTO waiting_webhooks (shop, day, key, triggered_at, received_at)
SELECT shop, day, key, received_at, received_at
FROM webhooks
WHERE error = 'this shop is not in the configuration: add it under stores'
    AND shop <> ''
    AND payload IS NOT NULL
ORDER BY received_at;

-- The callback URLs handed out for whole assistants, as hashes of their secret part: known even when no shop uses the assistant any more.
CREATE TABLE assistant_tokens (
    token_hash BYTEA PRIMARY KEY,
    provider   TEXT NOT NULL,
    assistant  TEXT NOT NULL,
    noted_at   TIMESTAMPTZ NOT NULL
);
