// Package mediastore is all SQL about media: what is stored, who uploaded it,
// its thumbnails, and which blobs are still needed.
//
// Blobs are counted: a blob that loses its last reference is noted as gone in
// the same transaction, and stays noted until its file is removed (Gone,
// Removed). So neither a crash nor an upload of the same content at the same
// moment leaves a file nobody knows of, or takes away one that is needed.
package mediastore

import (
	"context"
	"errors"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/internal/wake"
	"plenum/storage"
)

var (
	// ErrQuota is returned when a user would store more than allowed.
	ErrQuota = errors.New("media quota exceeded")
	// ErrNotPending is returned when media was uploaded, or has expired, before it could be filled.
	ErrNotPending = errors.New("media is not waiting for an upload")
)

// Where the names of the blob files are in the database, for a backup, which
// has to find them in rows of any tables.
const (
	BlobTable = "media_blob"
	BlobFile  = "file"
)

// Store reads and writes the tables of media.
type Store struct {
	db *storage.DB
}

// New returns the media tables of db.
func New(db *storage.DB) *Store { return &Store{db: db} }

// Item is one piece of media.
type Item struct {
	Origin      string // server name
	ID          string
	Uploader    id.UserID // empty for media of other servers, and for what the server fetched itself
	ContentType string
	Filename    string // empty when none was given
	Size        int64  // bytes
	Animated    bool   // an image of several frames
	File        string // name of the blob; empty before the upload
	CreatedMS   int64
	ExpiresMS   int64 // until when it can be uploaded, or is kept after that; 0: for ever
}

// Blob is stored content that an Item or a Thumbnail is to refer to.
type Blob struct {
	Hash string // the same for equal contents
	File string
	Size int64 // bytes
}

// Usage is what a user has stored.
type Usage struct {
	Files int64
	Bytes int64
}

const itemColumns = `SELECT m.origin, m.media_id, m.uploader, m.content_type, m.filename, m.size, m.animated,
	COALESCE(b.file, ''), m.created, COALESCE(m.expires, 0)
	FROM media m LEFT JOIN media_blob b ON b.hash = m.hash `

// Item returns one piece of media, or false.
func (s *Store) Item(ctx context.Context, origin, mediaID string) (item Item, ok bool, err error) {
	defer matrix.Wrap(&err, "media %s/%s", origin, mediaID)
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		item, ok, err = storage.One[Item](ctx, tx, itemColumns+`WHERE m.origin = $1 AND m.media_id = $2`, origin, mediaID)
		return err
	})
	return item, ok, err
}

// topic is told when media that was created before gets its content.
func topic(origin, mediaID string) string { return "media/" + origin + "/" + mediaID }

// Uploads returns a subscription to the upload of created media. The caller
// closes it.
func (s *Store) Uploads(origin, mediaID string) *wake.Sub {
	return s.db.Bus().Subscribe(topic(origin, mediaID))
}

const (
	pendingOf = `SELECT expires FROM media WHERE uploader = $1 AND hash IS NULL AND expires > $2 ORDER BY expires`
	addItem   = `INSERT INTO media (origin, media_id, uploader, content_type, filename, size, animated, hash, created, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
)

// Reserve notes media that is to be uploaded until item.ExpiresMS. When the
// user has limit such already, it notes nothing and returns when the first of
// these expires.
func (s *Store) Reserve(ctx context.Context, item Item, limit int) (fullUntilMS int64, err error) {
	defer matrix.Wrap(&err, "reserve media")
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		fullUntilMS = 0
		pending, err := storage.Select[int64](ctx, tx, pendingOf, item.Uploader, item.CreatedMS)
		if err != nil {
			return err
		}
		if len(pending) >= limit {
			fullUntilMS = item.CreatedMS
			if len(pending) > 0 {
				fullUntilMS = pending[0]
			}
			return nil
		}
		return tx.Exec(ctx, addItem, item.Origin, item.ID, item.Uploader, "", "", 0, 0, nil, item.CreatedMS, item.ExpiresMS)
	})
	return fullUntilMS, err
}

// Add notes media with its content. It returns the blob file to keep: not
// blob.File when the same content was stored before. The error is ErrQuota
// when the user would then have more than quota bytes; 0 is no quota.
func (s *Store) Add(ctx context.Context, item Item, blob Blob, quota int64) (file string, err error) {
	defer matrix.Wrap(&err, "add media")
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		if err := charge(ctx, tx, item.Uploader, blob.Size, quota); err != nil {
			return err
		}
		var err error
		if file, err = link(ctx, tx, blob); err != nil {
			return err
		}
		return tx.Exec(ctx, addItem, item.Origin, item.ID, item.Uploader, item.ContentType, item.Filename, blob.Size, flag(item.Animated), blob.Hash, item.CreatedMS, orNull(item.ExpiresMS))
	})
	return file, err
}

// orNull is a time that may be missing.
func orNull(ms int64) *int64 {
	if ms == 0 {
		return nil
	}
	return &ms
}

const fillItem = `UPDATE media SET content_type = $1, filename = $2, size = $3, animated = $4, hash = $5, expires = NULL
	WHERE origin = $6 AND media_id = $7 AND uploader = $8 AND hash IS NULL RETURNING size`

// Fill gives reserved media its content, and tells who waits for it. Results
// are those of Add; the error is ErrNotPending when there is nothing to fill.
func (s *Store) Fill(ctx context.Context, item Item, blob Blob, quota int64) (file string, err error) {
	defer matrix.Wrap(&err, "fill media %s", item.ID)
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		_, ok, err := storage.One[int64](ctx, tx, fillItem, item.ContentType, item.Filename, blob.Size, flag(item.Animated), blob.Hash, item.Origin, item.ID, item.Uploader)
		if err != nil {
			return err
		}
		if !ok {
			return ErrNotPending
		}
		if err := charge(ctx, tx, item.Uploader, blob.Size, quota); err != nil {
			return err
		}
		tx.Wake(topic(item.Origin, item.ID))
		file, err = link(ctx, tx, blob)
		return err
	})
	return file, err
}

// Usage returns what a user has stored.
func (s *Store) Usage(ctx context.Context, user id.UserID) (usage Usage, err error) {
	defer matrix.Wrap(&err, "media usage of %s", user)
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		usage, _, err = storage.One[Usage](ctx, tx, `SELECT files, bytes FROM media_usage WHERE uploader = $1`, user)
		return err
	})
	return usage, err
}

const chargeUsage = `INSERT INTO media_usage (uploader, files, bytes) VALUES ($1, 1, $2)
	ON CONFLICT (uploader) DO UPDATE SET files = media_usage.files + 1, bytes = media_usage.bytes + excluded.bytes
	RETURNING bytes`

// charge counts a file of a user. Media of other servers is nobody's.
func charge(ctx context.Context, tx *storage.Tx, user id.UserID, size, quota int64) error {
	if user == "" {
		return nil
	}
	total, _, err := storage.One[int64](ctx, tx, chargeUsage, user, size)
	if err == nil && quota > 0 && total > quota {
		return ErrQuota
	}
	return err
}

const linkBlob = `INSERT INTO media_blob (hash, file, size, refs) VALUES ($1, $2, $3, 1)
	ON CONFLICT (hash) DO UPDATE SET refs = media_blob.refs + 1 RETURNING file`

// link counts a reference to a content and returns the file that holds it.
func link(ctx context.Context, tx *storage.Tx, blob Blob) (string, error) {
	file, _, err := storage.One[string](ctx, tx, linkBlob, blob.Hash, blob.File, blob.Size)
	return file, err
}

// Holds reports whether a blob file is referred to.
func (s *Store) Holds(ctx context.Context, hash, file string) (ok bool, err error) {
	defer matrix.Wrap(&err, "look up blob")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		_, ok, err = storage.One[int64](ctx, tx, `SELECT refs FROM media_blob WHERE hash = $1 AND file = $2`, hash, file)
		return err
	})
	return ok, err
}

const itemsOf = itemColumns + `WHERE m.uploader = $1 AND m.hash IS NOT NULL AND (m.created, m.media_id) > ($2, $3) ORDER BY m.created, m.media_id LIMIT $4`

// ItemsOf returns up to limit files that a user has uploaded, the oldest
// first, after one of them; the zero Item is before all.
func (s *Store) ItemsOf(ctx context.Context, user id.UserID, after Item, limit int) (all []Item, err error) {
	defer matrix.Wrap(&err, "media of %s", user)
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		all, err = storage.Select[Item](ctx, tx, itemsOf, user, after.CreatedMS, after.ID, limit)
		return err
	})
	return all, err
}
