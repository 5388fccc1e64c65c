-- What waits for other servers. What happens between two servers who are both
-- there leaves no row: memory is ahead, and after a crash the log is read
-- again from the cursors on.
CREATE TABLE outbox_cursor (
	name TEXT PRIMARY KEY, -- events or lists
	pos BIGINT NOT NULL    -- up to here everything has been sent, or is in the tables below
);

-- Events that wait for a server.
CREATE TABLE outbox_event (
	server TEXT PRIMARY KEY,
	waiting {bytes} NOT NULL -- rooms and positions, see package outbox
);

-- The newest event of each room of which so much waits for a server that it
-- will have to ask for the rest.
CREATE TABLE outbox_room (
	server TEXT NOT NULL,
	room_id TEXT NOT NULL,
	event BIGINT NOT NULL,
	PRIMARY KEY (server, room_id)
);

-- Users whose devices changed after what a server has been told.
CREATE TABLE outbox_list (
	server TEXT NOT NULL,
	user_id TEXT NOT NULL,
	since BIGINT NOT NULL, -- what the server knows; 0: nothing
	PRIMARY KEY (server, user_id)
);

-- Messages from device to device.
CREATE TABLE outbox_mail (
	pos {key},
	server TEXT NOT NULL,
	json {bytes} NOT NULL -- content of the EDU
);
CREATE INDEX outbox_mail_server ON outbox_mail (server, pos);
