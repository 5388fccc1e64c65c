package mediastore

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// batch bounds how many items one transaction deletes, so that a large
// deletion does not hold up other writes.
const batch = 100

// key names an item.
type key struct {
	Origin, ID string
}

// Delete deletes an item and its thumbnails. It reports whether there was one.
func (s *Store) Delete(ctx context.Context, origin, mediaID string) (found bool, err error) {
	defer matrix.Wrap(&err, "delete media %s/%s", origin, mediaID)
	err = s.db.Write(ctx, func(tx *storage.Tx) error {
		found, err = remove(ctx, tx, key{origin, mediaID})
		return err
	})
	return found, err
}

// DeleteByUser deletes everything a user has uploaded or reserved, and
// returns how many items that were.
func (s *Store) DeleteByUser(ctx context.Context, user id.UserID) (n int, err error) {
	defer matrix.Wrap(&err, "delete media of %s", user)
	return s.deleteAll(ctx, `SELECT origin, media_id FROM media WHERE uploader = $1 LIMIT $2`, user)
}

// Expire deletes what was to be uploaded, or kept, until before.
func (s *Store) Expire(ctx context.Context, beforeMS int64) (n int, err error) {
	defer matrix.Wrap(&err, "expire media")
	return s.deleteAll(ctx, `SELECT origin, media_id FROM media WHERE expires < $1 LIMIT $2`, beforeMS)
}

// ExpireRemote deletes media of other servers that was fetched before.
func (s *Store) ExpireRemote(ctx context.Context, beforeMS int64) (n int, err error) {
	defer matrix.Wrap(&err, "expire remote media")
	return s.deleteAll(ctx, `SELECT origin, media_id FROM media WHERE uploader = '' AND created < $1 LIMIT $2`, beforeMS)
}

// deleteAll deletes what a query with one argument and a limit selects.
func (s *Store) deleteAll(ctx context.Context, query string, arg any) (total int, err error) {
	for {
		var n int
		err := s.db.Write(ctx, func(tx *storage.Tx) error {
			keys, err := storage.Select[key](ctx, tx, query, arg, batch)
			if err != nil {
				return err
			}
			for _, k := range keys {
				if _, err := remove(ctx, tx, k); err != nil {
					return err
				}
			}
			n = len(keys)
			return nil
		})
		total += n
		if err != nil || n < batch {
			return total, err
		}
	}
}

// removed is what a deleted item leaves to settle.
type removed struct {
	Uploader id.UserID
	Size     int64
	Hash     string // empty when it was never uploaded
}

const (
	removeItem       = `DELETE FROM media WHERE origin = $1 AND media_id = $2 RETURNING uploader, size, COALESCE(hash, '')`
	removeThumbnails = `DELETE FROM media_thumbnail WHERE origin = $1 AND media_id = $2 RETURNING hash`
	refundUsage      = `UPDATE media_usage SET files = files - 1, bytes = bytes - $1 WHERE uploader = $2`
	unlinkBlob       = `UPDATE media_blob SET refs = refs - 1 WHERE hash = $1 RETURNING refs, file`
)

// remove deletes one item, its thumbnails and its references.
func remove(ctx context.Context, tx *storage.Tx, k key) (bool, error) {
	item, ok, err := storage.One[removed](ctx, tx, removeItem, k.Origin, k.ID)
	if err != nil || !ok {
		return false, err
	}
	hashes, err := storage.Select[string](ctx, tx, removeThumbnails, k.Origin, k.ID)
	if err != nil {
		return false, err
	}
	if item.Hash != "" {
		hashes = append(hashes, item.Hash)
		if item.Uploader != "" {
			if err := tx.Exec(ctx, refundUsage, item.Size, item.Uploader); err != nil {
				return false, err
			}
		}
	}
	for _, hash := range hashes {
		if err := unlink(ctx, tx, hash); err != nil {
			return false, err
		}
	}
	return true, nil
}

// unlink gives up a reference to a blob, and the blob with its last one.
func unlink(ctx context.Context, tx *storage.Tx, hash string) error {
	type counted struct {
		Refs int64
		File string
	}
	blob, ok, err := storage.One[counted](ctx, tx, unlinkBlob, hash)
	if err != nil || !ok || blob.Refs > 0 {
		return err
	}
	if err := tx.Exec(ctx, `DELETE FROM media_blob WHERE hash = $1`, hash); err != nil {
		return err
	}
	return tx.Exec(ctx, `INSERT INTO media_gone (file) VALUES ($1) ON CONFLICT DO NOTHING`, blob.File)
}

// Gone returns blob files that nothing refers to any more, up to limit.
func (s *Store) Gone(ctx context.Context, limit int) (files []string, err error) {
	defer matrix.Wrap(&err, "list blobs to remove")
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		files, err = storage.Select[string](ctx, tx, `SELECT file FROM media_gone LIMIT $1`, limit)
		return err
	})
	return files, err
}

// Removed notes that files which Gone returned are gone from the disk.
func (s *Store) Removed(ctx context.Context, files []string) (err error) {
	defer matrix.Wrap(&err, "note removed blobs")
	return s.db.Write(ctx, func(tx *storage.Tx) error {
		return tx.Exec(ctx, `DELETE FROM media_gone WHERE file {in $1}`, storage.List(files))
	})
}
