-- Keys that other servers sign with. They are kept for as long as there may be
-- events that they have signed.
CREATE TABLE server_key (
	server TEXT NOT NULL,
	key_id TEXT NOT NULL, -- "ed25519:a1"
	public {bytes} NOT NULL,
	valid_until BIGINT NOT NULL, -- what is signed later is not valid
	PRIMARY KEY (server, key_id)
);

-- The last answer of each server about its keys, as it has signed it, for
-- those who ask us what we know.
CREATE TABLE server_key_answer (
	server TEXT NOT NULL PRIMARY KEY,
	fetched BIGINT NOT NULL,
	valid_until BIGINT NOT NULL,
	json {bytes} NOT NULL
);
