-- Servers that do not answer, and when to ask them again.
CREATE TABLE server_backoff (
	server TEXT NOT NULL PRIMARY KEY,
	failures BIGINT NOT NULL, -- in a row
	failed BIGINT NOT NULL, -- when the last was
	until BIGINT NOT NULL
);
