-- Messages from device to device, until the receiving device has them.
CREATE TABLE to_device (
	pos {key},
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	json {bytes} NOT NULL -- as sync gives it out
);
CREATE INDEX to_device_queue ON to_device (user_id, device_id, pos);

-- Transaction ids of senders, kept for a day.
CREATE TABLE to_device_txn (
	user_id TEXT NOT NULL,
	device_id TEXT NOT NULL,
	txn TEXT NOT NULL,
	ts BIGINT NOT NULL,
	PRIMARY KEY (user_id, device_id, txn)
);
