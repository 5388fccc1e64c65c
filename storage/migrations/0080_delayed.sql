-- Events that are to be sent later, and for a while what became of them.
CREATE TABLE delayed_event (
	delay_id TEXT NOT NULL PRIMARY KEY,
	user_id TEXT NOT NULL,
	device TEXT NOT NULL,
	txn {bytes}, -- hash of the request that scheduled it; NULL: it had no transaction id
	room_id TEXT NOT NULL,
	type TEXT NOT NULL,
	state_key TEXT, -- NULL: a message event
	content {bytes}, -- NULL once it is sent: the event has it
	origin_ts BIGINT NOT NULL DEFAULT 0, -- ms; 0: when it is sent
	sticky BIGINT NOT NULL DEFAULT 0, -- ms
	delay BIGINT NOT NULL, -- ms
	scheduled BIGINT NOT NULL, -- ms since 1970, when it was scheduled or restarted
	due BIGINT NOT NULL, -- ms since 1970; no sooner than scheduled + delay
	finalised BIGINT, -- ms since 1970; NULL: it is scheduled still
	event_id TEXT, -- NULL: it was not sent
	event BIGINT, -- position of that
	error {bytes} -- JSON; NULL: nothing went wrong
);
CREATE INDEX delayed_event_due ON delayed_event (due) WHERE finalised IS NULL;
CREATE INDEX delayed_event_user ON delayed_event (user_id, finalised);
CREATE UNIQUE INDEX delayed_event_txn ON delayed_event (user_id, device, txn);
