-- What users reported to those who run the server. A report keeps who said
-- what about whom, and no copy of an event.
CREATE TABLE report (
	pos {key},
	kind TEXT NOT NULL, -- event, room or user
	room_id TEXT NOT NULL,
	event_id TEXT NOT NULL,
	user_id TEXT NOT NULL, -- who sent the event, or is reported
	reporter TEXT NOT NULL,
	reason TEXT NOT NULL,
	score BIGINT, -- -100, the worst, to 0; NULL: not said
	ts BIGINT NOT NULL
);
