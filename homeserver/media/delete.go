package media

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/blob"
)

// Usage is what a user has stored.
type Usage struct {
	Files int64
	Bytes int64
}

// Usage returns what a user has stored.
func (m *Media) Usage(ctx context.Context, user id.UserID) (Usage, error) {
	usage, err := m.store.Usage(ctx, user)
	return Usage(usage), err
}

// Delete deletes media, its thumbnails, and its content unless other media
// has the same. The error is M_NOT_FOUND when there is none.
func (m *Media) Delete(ctx context.Context, uri id.ContentURI) (err error) {
	defer matrix.Wrap(&err, "delete media")
	found, err := m.store.Delete(ctx, uri.Homeserver, uri.FileID)
	if err == nil && !found {
		return errUnknown()
	}
	if err != nil {
		return err
	}
	return m.sweep(ctx)
}

// DeleteByUser deletes everything a user has uploaded and returns how many
// files that were. Content that other users have uploaded too stays theirs.
func (m *Media) DeleteByUser(ctx context.Context, user id.UserID) (n int, err error) {
	defer matrix.Wrap(&err, "delete media of a user")
	if n, err = m.store.DeleteByUser(ctx, user); err != nil {
		return n, err
	}
	return n, m.sweep(ctx)
}

// sweepBatch is how many blobs are removed between two writes.
const sweepBatch = 200

// sweep removes the blobs that nothing refers to any more.
func (m *Media) sweep(ctx context.Context) error {
	for {
		files, err := m.store.Gone(ctx, sweepBatch)
		if err != nil || len(files) == 0 {
			return err
		}
		for _, file := range files {
			if err := m.blobs.Remove(blob.ID(file)); err != nil {
				return err
			}
		}
		if err := m.store.Removed(ctx, files); err != nil {
			return err
		}
	}
}
