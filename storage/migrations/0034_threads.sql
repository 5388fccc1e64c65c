-- Which threads users have subscribed to, or have stopped to: the newest word
-- on each.
CREATE TABLE thread_subscription (
	user_id TEXT NOT NULL,
	room_id TEXT NOT NULL,
	root TEXT NOT NULL,
	subscribed SMALLINT NOT NULL,
	automatic SMALLINT NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (user_id, room_id, root)
);
