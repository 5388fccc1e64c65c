-- Pushers, what is on its way to them, and what is unread.
CREATE TABLE pusher (
	user_id TEXT NOT NULL,
	app_id TEXT NOT NULL,
	pushkey TEXT NOT NULL,
	kind TEXT NOT NULL,
	app_name TEXT NOT NULL,
	device_name TEXT NOT NULL,
	profile_tag TEXT NOT NULL,
	lang TEXT NOT NULL,
	data {bytes} NOT NULL, -- JSON object, with the url of the gateway
	device TEXT NOT NULL, -- that made it, and with which it goes
	PRIMARY KEY (user_id, app_id, pushkey)
);
CREATE INDEX pusher_key ON pusher (app_id, pushkey);

-- Notifications that a pusher has not passed on yet.
CREATE TABLE push (
	user_id TEXT NOT NULL,
	app_id TEXT NOT NULL,
	pushkey TEXT NOT NULL,
	event BIGINT NOT NULL,
	sound TEXT NOT NULL,
	highlight SMALLINT NOT NULL,
	PRIMARY KEY (user_id, app_id, pushkey, event)
);

-- What a user has not read in a room as it was at position upto, written now
-- and then, so that a restart does not have to count from the beginning.
CREATE TABLE unread (
	user_id TEXT NOT NULL,
	room_id TEXT NOT NULL,
	upto BIGINT NOT NULL,
	hits {bytes} NOT NULL, -- JSON
	PRIMARY KEY (user_id, room_id)
);
