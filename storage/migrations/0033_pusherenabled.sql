-- Pushers can be switched off for a while, from another device too.
ALTER TABLE pusher ADD COLUMN enabled SMALLINT NOT NULL DEFAULT 1;
