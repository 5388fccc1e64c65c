-- What application services have been told.
CREATE TABLE appservice (
	id TEXT NOT NULL PRIMARY KEY,
	pos BIGINT NOT NULL,  -- everything up to here is in transactions that were made
	txn BIGINT NOT NULL,  -- number of the last of them
	body {bytes}          -- of that one, as long as it has not arrived; NULL: it has
);

-- Rooms that services list in the directory of a foreign network.
CREATE TABLE appservice_room (
	network TEXT NOT NULL, -- as clients name it
	room_id TEXT NOT NULL,
	PRIMARY KEY (network, room_id)
);

-- Services hear of receipts in the order in which they came.
CREATE INDEX receipt_pos ON receipt (pos);
