-- +goose Up

-- What permitted a call: the basis, its value, when and where it was given, and under which text. It holds no personal data.
ALTER TABLE calls ADD COLUMN consent JSONB;
