-- Pushers that are not told anything until their client has shown that what is
-- sent to them arrives, by the token that was sent.
CREATE TABLE pusher_activation (
	user_id TEXT NOT NULL,
	app_id TEXT NOT NULL,
	pushkey TEXT NOT NULL,
	token TEXT NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (user_id, app_id, pushkey)
);
