-- What users keep about themselves: account data, filters for sync, and how
-- far they have read.
CREATE TABLE account_data (
	user_id TEXT NOT NULL,
	room_id TEXT NOT NULL, -- empty: of the account as a whole
	type TEXT NOT NULL,
	content {bytes} NOT NULL, -- {} when it was deleted, so that devices hear of it
	pos BIGINT NOT NULL,
	PRIMARY KEY (user_id, room_id, type)
);

CREATE TABLE sync_filter (
	user_id TEXT NOT NULL,
	number BIGINT NOT NULL,
	hash {bytes} NOT NULL, -- of the canonical form, by which equal filters are one
	definition {bytes} NOT NULL,
	PRIMARY KEY (user_id, number)
);
CREATE UNIQUE INDEX sync_filter_hash ON sync_filter (user_id, hash);

-- thread is empty for a receipt that knows no threads, or main, or the event
-- id of the thread's root.
CREATE TABLE receipt (
	room_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	thread TEXT NOT NULL,
	private SMALLINT NOT NULL,
	event_id TEXT NOT NULL,
	event BIGINT NOT NULL, -- position of event_id
	ts BIGINT NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (room_id, user_id, thread, private)
);
CREATE INDEX receipt_user ON receipt (user_id);
