-- Signing in by OAuth 2.0: programs, what they wait for, and browsers.

-- The program that began the session on a device by OAuth 2.0; '': none did.
ALTER TABLE device ADD COLUMN client TEXT NOT NULL DEFAULT '';
CREATE INDEX device_client ON device (client);

-- A program that people sign in with. Its id is made of its metadata, so the
-- same metadata is the same program.
CREATE TABLE oauth_client (
	client_id TEXT NOT NULL PRIMARY KEY,
	metadata {bytes} NOT NULL, -- JSON
	used BIGINT NOT NULL -- when it registered last
);
CREATE INDEX oauth_client_used ON oauth_client (used);

-- What somebody has allowed in a browser and the program has still to fetch.
CREATE TABLE oauth_code (
	hash {bytes} NOT NULL PRIMARY KEY,
	client_id TEXT NOT NULL,
	redirect_uri TEXT NOT NULL,
	challenge TEXT NOT NULL, -- of PKCE
	scope TEXT NOT NULL,
	device_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	used SMALLINT NOT NULL DEFAULT 0, -- 1: once more would be a theft
	expires BIGINT NOT NULL
);
CREATE INDEX oauth_code_user ON oauth_code (user_id);
CREATE INDEX oauth_code_expires ON oauth_code (expires);

-- What a program without a browser waits for.
CREATE TABLE oauth_device_code (
	hash {bytes} NOT NULL PRIMARY KEY,
	user_code {bytes} NOT NULL UNIQUE, -- hash of what people type
	client_id TEXT NOT NULL,
	scope TEXT NOT NULL,
	device_id TEXT NOT NULL,
	state SMALLINT NOT NULL DEFAULT 0, -- 0: nobody has decided, 1: allowed, 2: denied
	user_id TEXT NOT NULL DEFAULT '', -- who has allowed it
	expires BIGINT NOT NULL
);
CREATE INDEX oauth_device_code_user ON oauth_device_code (user_id);
CREATE INDEX oauth_device_code_expires ON oauth_device_code (expires);

-- A browser in which somebody is signed in to the pages of this server.
CREATE TABLE browser (
	hash {bytes} NOT NULL PRIMARY KEY,
	user_id TEXT NOT NULL,
	password_pos BIGINT NOT NULL, -- of the account then: another password ends it
	expires BIGINT NOT NULL
);
CREATE INDEX browser_user ON browser (user_id);
CREATE INDEX browser_expires ON browser (expires);
