-- 0001: what the storage itself needs

-- The last position issued, and how often the database was opened, by which a
-- process notices that another one has taken over.
CREATE TABLE clock (
	pos   BIGINT NOT NULL,
	epoch BIGINT NOT NULL
);
INSERT INTO clock (pos, epoch) VALUES (0, 0);

-- Facts about the database as a whole, such as the server name it belongs to.
CREATE TABLE meta (
	key   TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);
