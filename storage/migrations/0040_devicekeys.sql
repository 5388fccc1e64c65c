-- The public keys of devices and users, which clients make and sign.
CREATE TABLE device_key (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	json {bytes} NOT NULL, -- as uploaded, with the device's own signature
	PRIMARY KEY (user_id, device_id)
);

-- Keys that are given out once each, the oldest first.
CREATE TABLE one_time_key (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	algorithm TEXT NOT NULL,
	key_id TEXT NOT NULL,
	seq BIGINT NOT NULL,
	json {bytes} NOT NULL,
	PRIMARY KEY (user_id, device_id, algorithm, key_id)
);
CREATE INDEX one_time_key_next ON one_time_key (user_id, device_id, algorithm, seq);

-- Keys that are given out when there is no other.
CREATE TABLE fallback_key (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	algorithm TEXT NOT NULL,
	key_id TEXT NOT NULL,
	json {bytes} NOT NULL,
	used SMALLINT NOT NULL DEFAULT 0,
	PRIMARY KEY (user_id, device_id, algorithm)
);

CREATE TABLE cross_signing_key (
	user_id TEXT NOT NULL,
	usage TEXT NOT NULL, -- master, self_signing or user_signing
	key TEXT NOT NULL,   -- the public key
	json {bytes} NOT NULL,
	PRIMARY KEY (user_id, usage)
);

-- Signatures that came later than the key they are on.
CREATE TABLE key_signature (
	user_id TEXT NOT NULL, -- whose key is signed
	target TEXT NOT NULL,  -- device id, or public key of a cross-signing key
	signer TEXT NOT NULL,  -- user
	key_id TEXT NOT NULL,  -- the signer's key, with algorithm
	signature TEXT NOT NULL,
	pos BIGINT NOT NULL,
	PRIMARY KEY (user_id, target, signer, key_id)
);

-- When the keys or devices of a user last changed.
CREATE TABLE device_list (
	user_id TEXT PRIMARY KEY,
	pos BIGINT NOT NULL
);
