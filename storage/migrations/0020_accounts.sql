-- Accounts, their devices and tokens, their profiles, and how one gets in.

CREATE TABLE account (
	user_id TEXT NOT NULL PRIMARY KEY,
	password TEXT, -- its hash; NULL: nobody gets in by a password
	password_pos BIGINT NOT NULL DEFAULT 0, -- position of its last change
	admin SMALLINT NOT NULL DEFAULT 0,
	locked SMALLINT NOT NULL DEFAULT 0,
	suspended SMALLINT NOT NULL DEFAULT 0,
	deactivated SMALLINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL
);

-- Names of erased accounts, which nobody may take again, as hashes.
CREATE TABLE account_erased (
	hash {bytes} NOT NULL PRIMARY KEY
);

-- Which versions of which terms an account was opened under.
CREATE TABLE account_terms (
	user_id TEXT NOT NULL,
	policy TEXT NOT NULL,
	version TEXT NOT NULL,
	PRIMARY KEY (user_id, policy, version)
);

-- What is still to be done elsewhere after an account has changed.
CREATE TABLE account_task (
	user_id TEXT NOT NULL,
	kind SMALLINT NOT NULL,
	pos BIGINT NOT NULL, -- of the newest change
	PRIMARY KEY (user_id, kind)
);

-- A device is one session. Its refresh tokens share a family and are numbered
-- by generation; generation is the newest that the client has shown to have.
CREATE TABLE device (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	name TEXT NOT NULL DEFAULT '',
	last_seen BIGINT, -- start of the day; NULL: not known
	family {bytes},   -- hash of what the refresh tokens share; NULL: there are none
	generation BIGINT NOT NULL DEFAULT 0,
	dehydrated {bytes}, -- the device itself, encrypted by its owner; NULL: it is one with a session
	PRIMARY KEY (user_id, device_id)
);
CREATE UNIQUE INDEX device_family ON device (family);

CREATE TABLE access_token (
	hash {bytes} NOT NULL PRIMARY KEY,
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	generation BIGINT NOT NULL,
	expires BIGINT -- NULL: never
);
CREATE INDEX access_token_device ON access_token (user_id, device_id);

CREATE TABLE refresh_token (
	hash {bytes} NOT NULL PRIMARY KEY,
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	generation BIGINT NOT NULL
);
CREATE INDEX refresh_token_device ON refresh_token (user_id, device_id);

-- Tokens for one purpose and a short time.
CREATE TABLE short_token (
	hash {bytes} NOT NULL PRIMARY KEY,
	kind SMALLINT NOT NULL,
	user_id TEXT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX short_token_user ON short_token (user_id);
CREATE INDEX short_token_expires ON short_token (expires);

CREATE TABLE registration_token (
	token TEXT NOT NULL PRIMARY KEY,
	note TEXT NOT NULL DEFAULT '',
	uses_allowed BIGINT, -- NULL: any number
	used BIGINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL,
	expires BIGINT -- NULL: never
);

CREATE TABLE profile_field (
	user_id TEXT NOT NULL,
	name TEXT NOT NULL,
	value {bytes} NOT NULL, -- JSON
	PRIMARY KEY (user_id, name)
);
