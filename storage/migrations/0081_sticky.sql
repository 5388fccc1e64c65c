-- Events that everybody in their room has to be told of, while they are sticky.
CREATE TABLE sticky_event (
	event {key},
	room BIGINT NOT NULL,
	at BIGINT NOT NULL,   -- position as of which it is news
	until BIGINT NOT NULL -- ms since 1970
);
