-- +goose Up
-- When each step of a delivery was, and that its reader has seen it: every recipient's
-- own word is kept (B9). What a notice has is the first of them.
ALTER TABLE deliveries ADD COLUMN sent_at TIMESTAMP;
ALTER TABLE deliveries ADD COLUMN delivered_at TIMESTAMP;
ALTER TABLE deliveries ADD COLUMN acknowledged_at TIMESTAMP;
UPDATE deliveries SET sent_at = updated_at WHERE state IN ('sent', 'delivered', 'bounced');
UPDATE deliveries SET delivered_at = updated_at WHERE state = 'delivered';
UPDATE deliveries SET state = 'acknowledged', acknowledged_at = (SELECT n.acknowledged_at FROM notices n
    WHERE n.call_id = deliveries.call_id AND n.event = deliveries.event AND n.round = deliveries.round)
WHERE EXISTS (SELECT 1 FROM notices n
    WHERE n.call_id = deliveries.call_id AND n.event = deliveries.event AND n.round = deliveries.round
    AND n.acknowledged_at IS NOT NULL AND n.acknowledged_by = deliveries.address);
UPDATE deliveries SET updated_at = acknowledged_at WHERE acknowledged_at IS NOT NULL;

-- Dials that were refused (B10), whether anybody is told of them or not.
CREATE TABLE refused_calls (
    call_id    TEXT PRIMARY KEY,
    agent_id   TEXT NOT NULL,
    site_id    TEXT NOT NULL,
    facts      TEXT NOT NULL, -- JSON of what the dial was
    told_as    TEXT NOT NULL, -- the dial whose notice tells of it; empty when nobody is told
    refused_at TIMESTAMP NOT NULL
);
CREATE INDEX refused_calls_by_time ON refused_calls (refused_at, call_id);
CREATE INDEX refused_calls_by_agent ON refused_calls (agent_id, refused_at, call_id);
INSERT INTO refused_calls (call_id, agent_id, site_id, facts, told_as, refused_at)
SELECT call_id, agent_id, site_id, facts, call_id, created_at FROM notices WHERE event = 'failed';
DROP INDEX notices_of_refused_dials;
ALTER TABLE notices DROP COLUMN facts;

-- What is erased with a call (B14).
ALTER TABLE mail_events ADD COLUMN call_id TEXT NOT NULL DEFAULT '';
CREATE INDEX mail_events_by_call ON mail_events (call_id);
CREATE INDEX calls_by_end ON calls (closed_at, id) WHERE closed_at IS NOT NULL;

-- What stays of a call: when it was dialed, how many of its legs were callbacks, how
-- long its legs were up in all, and how many people had a notice of it.
ALTER TABLE audit ADD COLUMN dialed_at TIMESTAMP;
ALTER TABLE audit ADD COLUMN callbacks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN seconds BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN told INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE audit DROP COLUMN told;
ALTER TABLE audit DROP COLUMN seconds;
ALTER TABLE audit DROP COLUMN callbacks;
ALTER TABLE audit DROP COLUMN dialed_at;
DROP INDEX calls_by_end;
DROP INDEX mail_events_by_call;
ALTER TABLE mail_events DROP COLUMN call_id;
ALTER TABLE notices ADD COLUMN facts TEXT NOT NULL DEFAULT '';
UPDATE notices SET facts = COALESCE((SELECT r.facts FROM refused_calls r WHERE r.call_id = notices.call_id), '');
CREATE INDEX notices_of_refused_dials ON notices (created_at) WHERE event = 'failed';
DROP TABLE refused_calls;
UPDATE deliveries SET state = CASE state WHEN 'acknowledged' THEN 'sent' ELSE 'failed' END
WHERE state IN ('acknowledged', 'superseded');
ALTER TABLE deliveries DROP COLUMN acknowledged_at;
ALTER TABLE deliveries DROP COLUMN delivered_at;
ALTER TABLE deliveries DROP COLUMN sent_at;
