package media

import (
	"context"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/mediastore"
)

// ownBatch is how many files Own looks up at once.
const ownBatch = 100

// OwnFile is a file that somebody has uploaded.
type OwnFile struct {
	URI         id.ContentURI
	ContentType string
	Filename    string // "" when none was given
	Size        int64  // bytes
	Uploaded    time.Time
}

// Own calls fn for the files that user has uploaded, the oldest first, until
// that fails. The file that fn gets is open, and closed after it; one that was
// deleted meanwhile is left out.
func (m *Media) Own(ctx context.Context, user id.UserID, fn func(OwnFile, *File) error) (err error) {
	defer matrix.Wrap(&err, "files of a user")
	for last := (mediastore.Item{}); ; {
		items, err := m.store.ItemsOf(ctx, user, last, ownBatch)
		if err != nil || len(items) == 0 {
			return err
		}
		for _, last = range items {
			if err := m.ownFile(last, fn); err != nil && !matrix.IsCode(err, matrix.NotFound) {
				return err
			}
		}
	}
}

func (m *Media) ownFile(item mediastore.Item, fn func(OwnFile, *File) error) error {
	f, err := m.open(item)
	if err != nil {
		return err
	}
	defer f.Close()
	return fn(OwnFile{
		URI:         id.ContentURI{Homeserver: item.Origin, FileID: item.ID},
		ContentType: item.ContentType, Filename: item.Filename, Size: item.Size,
		Uploaded: time.UnixMilli(item.CreatedMS),
	}, f)
}
