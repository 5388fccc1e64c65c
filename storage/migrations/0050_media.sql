-- Media: what users uploaded and what was fetched from other servers, the
-- thumbnails made of it, and the blobs that all of these share.
CREATE TABLE media (
	origin TEXT NOT NULL, -- server name
	media_id TEXT NOT NULL,
	uploader TEXT NOT NULL, -- user id; empty for media of other servers
	content_type TEXT NOT NULL,
	filename TEXT NOT NULL,
	size BIGINT NOT NULL,
	animated SMALLINT NOT NULL DEFAULT 0, -- an image of several frames
	hash TEXT, -- of the blob; NULL: created, but not uploaded yet
	created BIGINT NOT NULL,
	expires BIGINT, -- of what is not uploaded yet
	PRIMARY KEY (origin, media_id)
);
CREATE INDEX media_uploader ON media (uploader, created);
CREATE INDEX media_pending ON media (expires) WHERE hash IS NULL;

CREATE TABLE media_thumbnail (
	origin TEXT NOT NULL,
	media_id TEXT NOT NULL,
	width BIGINT NOT NULL,
	height BIGINT NOT NULL,
	crop SMALLINT NOT NULL,
	content_type TEXT NOT NULL,
	hash TEXT NOT NULL,
	PRIMARY KEY (origin, media_id, width, height, crop)
);

-- Equal contents are one blob; refs counts the rows of media and
-- media_thumbnail that use it.
CREATE TABLE media_blob (
	hash TEXT PRIMARY KEY,
	file TEXT NOT NULL,
	size BIGINT NOT NULL,
	refs BIGINT NOT NULL
);

-- Blobs that nothing refers to any more, until they are gone from the disk.
CREATE TABLE media_gone (
	file TEXT PRIMARY KEY
);

-- What each user has stored, for quotas.
CREATE TABLE media_usage (
	uploader TEXT PRIMARY KEY,
	files BIGINT NOT NULL,
	bytes BIGINT NOT NULL
);
