package media

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/media/picture"
	"plenum/internal/matrix"
	"plenum/storage/blob"
	"plenum/storage/mediastore"
)

// Request names media.
type Request struct {
	URI       id.ContentURI
	Wait      time.Duration // how long to wait for an upload that is expected
	LocalOnly bool          // do not ask other servers
}

// File is content to be read from any position. The caller closes it.
type File struct {
	io.ReadSeekCloser
	ContentType string
	Filename    string // "" when none is known
	Size        int64  // bytes
	Tag         string // differs for different contents; safe in an ETag
}

// Download opens media. Errors: M_NOT_FOUND, M_NOT_YET_UPLOADED, M_TOO_LARGE
// (502) and what Remote says.
//
// Spec: client-server-api#get_matrixclientv1mediadownloadservernamemediaid
func (m *Media) Download(ctx context.Context, req Request) (_ *File, err error) {
	defer matrix.Wrap(&err, "download")
	item, err := m.find(ctx, req)
	if err != nil {
		return nil, err
	}
	return m.open(item)
}

// find returns an item that has content.
func (m *Media) find(ctx context.Context, req Request) (mediastore.Item, error) {
	if err := checkURI(req.URI); err != nil {
		return mediastore.Item{}, err
	}
	item, ok, err := m.store.Item(ctx, req.URI.Homeserver, req.URI.FileID)
	switch {
	case err != nil:
		return mediastore.Item{}, err
	case ok && item.File != "":
		return item, nil
	case ok:
		return m.await(ctx, req)
	case req.URI.Homeserver == m.opts.ServerName || req.LocalOnly || m.opts.Remote == nil:
		return mediastore.Item{}, errUnknown()
	}
	return m.fetch(ctx, req)
}

// pollEvery bounds what a lost signal costs.
const pollEvery = 5 * time.Second

// await waits until created media is uploaded.
func (m *Media) await(ctx context.Context, req Request) (mediastore.Item, error) {
	uploads := m.store.Uploads(req.URI.Homeserver, req.URI.FileID)
	defer uploads.Close()
	timeout := time.NewTimer(max(0, min(req.Wait, m.opts.MaxWait)))
	defer timeout.Stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for waited := false; ; {
		item, ok, err := m.store.Item(ctx, req.URI.Homeserver, req.URI.FileID)
		switch {
		case err != nil:
			return mediastore.Item{}, err
		case ok && item.File != "":
			return item, nil
		case !ok, item.ExpiresMS <= m.now().UnixMilli():
			return mediastore.Item{}, errUnknown()
		case waited:
			return mediastore.Item{}, matrix.Errorf(matrix.NotYetUploaded, "This media has not been uploaded yet.")
		}
		select {
		case <-ctx.Done():
			return mediastore.Item{}, ctx.Err()
		case <-timeout.C:
			waited = true
		case <-uploads.C():
		case <-poll.C:
		}
	}
}

// open opens the content of an item.
func (m *Media) open(item mediastore.Item) (*File, error) {
	f, err := m.openBlob(item.File)
	if err != nil {
		return nil, err
	}
	f.ContentType, f.Filename, f.Tag = item.ContentType, item.Filename, item.ID
	return f, nil
}

func (m *Media) openBlob(file string) (*File, error) {
	r, err := m.blobs.Open(blob.ID(file))
	if errors.Is(err, blob.ErrNotFound) { // deleted since we looked
		return nil, errUnknown()
	}
	if err != nil {
		return nil, err
	}
	return &File{ReadSeekCloser: &logged{Reader: r, log: m.log}, Size: r.Size()}, nil
}

// sniff returns the image format of an open file, and rewinds it.
func sniff(f *File) (picture.Format, error) {
	head := make([]byte, picture.SniffLen)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	_, err = f.Seek(0, io.SeekStart)
	return picture.Sniff(head[:n]), err
}

// logged reports damage that is met when the answer has begun, too late for
// an error to be answered.
type logged struct {
	*blob.Reader
	log *slog.Logger
}

// Read reads on and reports a failure.
func (l *logged) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err != nil && err != io.EOF {
		l.log.LogAttrs(context.Background(), slog.LevelError, "read media", slog.Any("err", err))
	}
	return n, err
}
