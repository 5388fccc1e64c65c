-- Reports of what is neither an event, a room nor a user, and what harm they
-- speak of.
ALTER TABLE report ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE report ADD COLUMN harm TEXT NOT NULL DEFAULT '';
ALTER TABLE report ADD COLUMN ref TEXT; -- by which its sender knows it; NULL: by none
CREATE UNIQUE INDEX report_ref ON report (ref);
