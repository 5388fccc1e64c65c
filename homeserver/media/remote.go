package media

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/mediastore"
)

// Remote fetches media of other servers.
type Remote interface {
	// Fetch opens the content of uri, or waits up to the given time for its
	// upload. Errors that are *matrix.Error reach the client: M_NOT_FOUND,
	// M_NOT_YET_UPLOADED. It may break off content longer than maxSize bytes.
	// The caller closes Body.
	Fetch(ctx context.Context, uri id.ContentURI, wait time.Duration, maxSize int64) (*RemoteFile, error)
}

// RemoteFile is content from another server.
type RemoteFile struct {
	Body        io.ReadCloser
	Length      int64 // bytes; -1 when not known
	ContentType string
	Filename    string // of the Content-Disposition; "" for none
}

// fetchTimeout bounds one fetch, after the wait for an upload.
const fetchTimeout = 2 * time.Minute

// fetch gets media from its server and keeps it. Requests for the same media
// share one fetch, which goes on when the request that began it is gone.
func (m *Media) fetch(ctx context.Context, req Request) (mediastore.Item, error) {
	wait := max(0, min(req.Wait, m.opts.MaxWait))
	result, err, _ := m.flight.Do("fetch "+req.URI.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait+fetchTimeout)
		defer cancel()
		return m.fetchNow(ctx, req.URI, wait)
	})
	if err != nil {
		return mediastore.Item{}, err
	}
	return result.(mediastore.Item), nil
}

func (m *Media) fetchNow(ctx context.Context, uri id.ContentURI, wait time.Duration) (any, error) {
	remote, err := m.opts.Remote.Fetch(ctx, uri, wait, m.opts.MaxUpload)
	if err != nil {
		return nil, err
	}
	defer remote.Body.Close()
	if remote.Length > m.opts.MaxUpload {
		return nil, theirFault(m.errTooLarge())
	}
	up := Upload{Body: remote.Body, ContentType: remote.ContentType, Filename: remote.Filename}
	if len(up.Filename) > maxFilename || !utf8.ValidString(up.Filename) {
		up.Filename = ""
	}
	// It stays as it came: what other servers serve is not ours to change.
	content, err := m.receive(up, true)
	if err != nil {
		return nil, theirFault(err)
	}
	item := m.item(uri, "", up, content)
	file, err := m.store.Add(ctx, item, content.blob, 0)
	if err := m.settle(ctx, content.file, file, err); err != nil {
		return nil, err
	}
	item.File, item.Size = file, content.blob.Size
	return item, nil
}

// theirFault answers what is wrong with content as the fault of its server.
func theirFault(err error) error {
	var answer *matrix.Error
	if !errors.As(err, &answer) {
		return err
	}
	theirs := *answer
	theirs.Status = http.StatusBadGateway
	return &theirs
}
