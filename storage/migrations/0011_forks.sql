-- What rooms need that other servers write to as well.

-- 1: accepted from another server on behalf of its user, so that this server
-- has to pass it on to the others in the room.
ALTER TABLE event ADD COLUMN relay SMALLINT NOT NULL DEFAULT 0;

-- The position from which on the state of a room is known; 0: from its
-- beginning.
ALTER TABLE room ADD COLUMN since BIGINT NOT NULL DEFAULT 0;

-- The state before an event that was not simply added to the newest state:
-- that of the room after base, with changes, a JSON list of
-- [type, state key, position of the event or 0].
CREATE TABLE fork (
	pos {key},
	base BIGINT NOT NULL,
	changes {bytes} NOT NULL
);

-- Redactions whose target is not known yet.
CREATE TABLE early_redaction (
	target {bytes} NOT NULL,
	room BIGINT NOT NULL,
	redaction BIGINT NOT NULL,
	PRIMARY KEY (target, room, redaction)
);

-- Before the event at pos the timeline of the room has a hole: what was said
-- there is not known.
CREATE TABLE gap (
	room BIGINT NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (room, pos)
);
