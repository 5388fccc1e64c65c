-- Backups of room keys, which only the user's devices can read.
CREATE TABLE key_backup (
	user_id TEXT NOT NULL,
	version BIGINT NOT NULL, -- a position, so that no number comes twice
	algorithm TEXT NOT NULL,
	auth_data {bytes} NOT NULL,
	etag BIGINT NOT NULL,
	count BIGINT NOT NULL,
	PRIMARY KEY (user_id, version)
);

CREATE TABLE key_backup_session (
	user_id TEXT NOT NULL,
	version BIGINT NOT NULL,
	room_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	first_index BIGINT NOT NULL,
	forwarded BIGINT NOT NULL,
	verified SMALLINT NOT NULL,
	data {bytes} NOT NULL,
	PRIMARY KEY (user_id, version, room_id, session_id)
);
