package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/blob"
	"plenum/storage/mediastore"
)

const (
	here = "one.example"
	ada  = id.UserID("@ada:one.example")
	bob  = id.UserID("@bob:one.example")
)

// world is a Media with everything below it.
type world struct {
	*Media
	db       *storage.DB
	dir, key string
	clock    *atomic.Int64 // ms
}

func newWorld(t testing.TB, db *storage.DB, opts Options) *world {
	t.Helper()
	base := t.TempDir()
	w := &world{db: db, dir: filepath.Join(base, "media"), key: filepath.Join(base, "key"), clock: new(atomic.Int64)}
	w.clock.Store(1_700_000_000_000)
	w.restart(t, opts)
	return w
}

// restart begins anew over the same database and folder.
func (w *world) restart(t testing.TB, opts Options) {
	t.Helper()
	blobs, err := blob.Open(w.dir, w.key)
	if err != nil {
		t.Fatal(err)
	}
	opts.ServerName = here
	w.Media = New(mediastore.New(w.db), blobs, opts, slog.New(slog.DiscardHandler))
	w.now = func() time.Time { return time.UnixMilli(w.clock.Load()) }
}

func (w *world) pass(d time.Duration) { w.clock.Add(d.Milliseconds()) }

// files counts the blobs on the disk.
func (w *world) files(t testing.TB) (n int) {
	t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "recipient" {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func user(u id.UserID) matrix.Principal { return matrix.Principal{User: u} }

func file(content []byte, contentType, name string) Upload {
	return Upload{Body: bytes.NewReader(content), Length: int64(len(content)), ContentType: contentType, Filename: name}
}

func (w *world) upload(t testing.TB, u id.UserID, content []byte, contentType, name string) id.ContentURI {
	t.Helper()
	uri, err := w.Upload(t.Context(), user(u), file(content, contentType, name))
	if err != nil {
		t.Fatal(err)
	}
	return uri
}

func (w *world) download(t testing.TB, uri id.ContentURI) (*File, []byte) {
	t.Helper()
	f, err := w.Download(t.Context(), Request{URI: uri})
	return read(t, f, err)
}

func read(t testing.TB, f *File, err error) (*File, []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(content)) != f.Size {
		t.Errorf("size %d, content has %d bytes", f.Size, len(content))
	}
	return f, content
}

// fetch is download for goroutines.
func (w *world) fetch(ctx context.Context, req Request) ([]byte, error) {
	f, err := w.Download(ctx, req)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func wantCode(t testing.TB, err error, code matrix.Code, status int) {
	t.Helper()
	var answer *matrix.Error
	if !errors.As(err, &answer) || answer.Code != code || answer.HTTPStatus() != status {
		t.Errorf("error %v, want %s with %d", err, code, status)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}
