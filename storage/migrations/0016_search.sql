-- What was said in rooms that are not encrypted, by its words. The history of a
-- room is cut into stretches, of which the pages on shelves are the parts.
CREATE TABLE search_page (
	room BIGINT NOT NULL,
	low BIGINT NOT NULL,  -- where the stretch begins
	shelf SMALLINT NOT NULL,
	high BIGINT NOT NULL, -- position of its newest message
	words {bytes} NOT NULL,
	PRIMARY KEY (room, low, shelf)
);
