-- +goose Up
-- Who has yet to be told: also of calls that are closed by now (S9, S11).
CREATE INDEX deliveries_queued ON deliveries (call_id) WHERE state = 'queued';

-- +goose Down
DROP INDEX deliveries_queued;
