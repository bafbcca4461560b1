-- +goose Up
-- Why a delivery failed, in a few words without an address (B9).
ALTER TABLE deliveries ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE deliveries DROP COLUMN reason;
