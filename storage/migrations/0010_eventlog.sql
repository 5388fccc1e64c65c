-- The log of events and what is derived from it in the same transaction.
-- Names (user ids, event types, state keys) and rooms are interned: a narrow
-- integer stands in every index.
CREATE TABLE name (
	nid {key},
	text TEXT NOT NULL UNIQUE
);

CREATE TABLE room (
	nid {key},
	room_id TEXT NOT NULL UNIQUE,
	version TEXT NOT NULL,
	heads {bytes}, -- JSON list of event ids; NULL: the newest event is the only head
	public SMALLINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL
);
CREATE INDEX room_public ON room (nid) WHERE public = 1;

-- pos is the position in the log. Backfilled events have negative positions,
-- older ones smaller. hidden: 1 outlier, 2 soft-failed, 4 rejected.
CREATE TABLE event (
	pos {key},
	room BIGINT NOT NULL,
	event_id {bytes} NOT NULL,
	type BIGINT NOT NULL,
	sender BIGINT NOT NULL,
	hidden SMALLINT NOT NULL DEFAULT 0,
	redacted_by BIGINT,
	replaces BIGINT, -- of a state event: the one that stood there before
	json {bytes} NOT NULL
);
CREATE UNIQUE INDEX event_id ON event (event_id);
CREATE INDEX event_room ON event (room, pos);

-- The state of each room as it is now.
CREATE TABLE state (
	room BIGINT NOT NULL,
	type BIGINT NOT NULL,
	state_key BIGINT NOT NULL,
	event BIGINT NOT NULL,
	changed BIGINT NOT NULL, -- position at which it became so
	membership SMALLINT NOT NULL DEFAULT 0, -- of m.room.member
	PRIMARY KEY (room, type, state_key)
);

-- Every change of a room's current state, so that the state after any
-- position can be told.
CREATE TABLE state_change (
	room BIGINT NOT NULL,
	pos BIGINT NOT NULL,
	type BIGINT NOT NULL,
	state_key BIGINT NOT NULL,
	event BIGINT, -- NULL: removed by state resolution
	prev BIGINT,  -- the event that stood here before
	membership SMALLINT NOT NULL DEFAULT 0, -- of m.room.member, from here on
	PRIMARY KEY (room, pos, type, state_key)
);
CREATE INDEX state_change_key ON state_change (room, type, state_key, pos);

CREATE TABLE membership (
	user_nid BIGINT NOT NULL,
	room BIGINT NOT NULL,
	membership SMALLINT NOT NULL,
	prev SMALLINT NOT NULL,
	event BIGINT NOT NULL,
	pos BIGINT NOT NULL,
	sender BIGINT NOT NULL,
	forgotten SMALLINT NOT NULL DEFAULT 0,
	stripped {bytes}, -- invite_room_state or knock_room_state
	PRIMARY KEY (user_nid, room)
);

-- Transaction ids of clients, kept for a day.
CREATE TABLE txn (
	user_nid BIGINT NOT NULL,
	device TEXT NOT NULL,
	hash {bytes} NOT NULL, -- of the endpoint and the transaction id
	txn TEXT NOT NULL,
	event BIGINT NOT NULL,
	ts BIGINT NOT NULL,
	PRIMARY KEY (user_nid, device, hash)
);

CREATE TABLE relation (
	parent {bytes} NOT NULL, -- event id, which may be of an event we do not have
	rel_type TEXT NOT NULL,
	child BIGINT NOT NULL,
	room BIGINT NOT NULL,
	type BIGINT NOT NULL,
	sender BIGINT NOT NULL,
	ts BIGINT NOT NULL, -- origin_server_ts of the child
	PRIMARY KEY (parent, rel_type, child)
);
CREATE INDEX relation_child ON relation (child);
CREATE INDEX relation_thread ON relation (room, child) WHERE rel_type = 'm.thread';

CREATE TABLE alias (
	alias TEXT PRIMARY KEY,
	room BIGINT NOT NULL,
	creator BIGINT NOT NULL
);
CREATE INDEX alias_room ON alias (room);
