-- When each device of each user of this server last changed, those that are
-- gone too: what other servers are told by. The device '' stands for the
-- user's cross-signing keys.
CREATE TABLE device_change (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	pos BIGINT NOT NULL,
	prev BIGINT NOT NULL, -- of the change of a device of the user before it; 0: it is the first
	PRIMARY KEY (user_id, device_id)
);
CREATE INDEX device_change_pos ON device_change (pos);

-- The devices of users of other servers, as their servers have said.
CREATE TABLE remote_list (
	user_id TEXT PRIMARY KEY,
	stream BIGINT NOT NULL,   -- of the newest change that is in here; 0: their server did not say
	pos BIGINT NOT NULL,      -- when they were asked for
	stale SMALLINT NOT NULL,  -- 1: they have changed since
	master {bytes},
	self_signing {bytes}
);
CREATE TABLE remote_device (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	name TEXT NOT NULL,
	keys {bytes} NOT NULL,
	PRIMARY KEY (user_id, device_id)
);
