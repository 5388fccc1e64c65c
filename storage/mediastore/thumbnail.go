package mediastore

import (
	"context"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Thumbnail is a smaller image of an Item.
type Thumbnail struct {
	Width, Height int64 // as asked for; the image may be smaller
	Crop          bool
	ContentType   string
	File          string // name of the blob
}

const oneThumbnail = `SELECT t.width, t.height, t.crop, t.content_type, b.file
	FROM media_thumbnail t JOIN media_blob b ON b.hash = t.hash
	WHERE t.origin = $1 AND t.media_id = $2 AND t.width = $3 AND t.height = $4 AND t.crop = $5`

// Thumbnail returns the thumbnail of an item that has the size of want, or false.
func (s *Store) Thumbnail(ctx context.Context, origin, mediaID string, want Thumbnail) (found Thumbnail, ok bool, err error) {
	defer matrix.Wrap(&err, "thumbnail of %s/%s", origin, mediaID)
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		found, ok, err = storage.One[Thumbnail](ctx, tx, oneThumbnail, origin, mediaID, want.Width, want.Height, flag(want.Crop))
		return err
	})
	return found, ok, err
}

const (
	lockItem       = `SELECT size FROM media WHERE origin = $1 AND media_id = $2 AND hash IS NOT NULL {lock}`
	countThumbnail = `SELECT COUNT(*) FROM media_thumbnail WHERE origin = $1 AND media_id = $2`
	addThumbnail   = `INSERT INTO media_thumbnail (origin, media_id, width, height, crop, content_type, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING width`
)

// AddThumbnail notes a thumbnail and returns the blob file to keep. It keeps
// none ("") when the item is gone, has limit thumbnails already, or has got
// this one meanwhile.
func (s *Store) AddThumbnail(ctx context.Context, origin, mediaID string, t Thumbnail, blob Blob, limit int64) (file string, err error) {
	defer matrix.Wrap(&err, "add thumbnail of %s/%s", origin, mediaID)
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		file = ""
		if _, ok, err := storage.One[int64](ctx, tx, lockItem, origin, mediaID); err != nil || !ok {
			return err
		}
		if n, _, err := storage.One[int64](ctx, tx, countThumbnail, origin, mediaID); err != nil || n >= limit {
			return err
		}
		_, added, err := storage.One[int64](ctx, tx, addThumbnail, origin, mediaID, t.Width, t.Height, flag(t.Crop), t.ContentType, blob.Hash)
		if err != nil || !added {
			return err
		}
		file, err = link(ctx, tx, blob)
		return err
	})
	return file, err
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
