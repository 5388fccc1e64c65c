-- Media that is kept for a while only, such as pictures of link previews,
-- expires like what is not uploaded in time: media.expires says when.
CREATE INDEX media_expires ON media (expires) WHERE expires IS NOT NULL;
DROP INDEX media_pending;
