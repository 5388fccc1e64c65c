package media

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// remotes are other servers, by the address of their media.
type remotes struct {
	content map[string]string
	length  int64
	asked   atomic.Int64
	gate    chan struct{} // told of a request, then asked to go on
}

func (r *remotes) Fetch(_ context.Context, uri id.ContentURI, _ time.Duration, _ int64) (*RemoteFile, error) {
	r.asked.Add(1)
	if r.gate != nil {
		r.gate <- struct{}{}
		<-r.gate
	}
	content, ok := r.content[uri.String()]
	if !ok {
		return nil, matrix.Errorf(matrix.NotFound, "not there")
	}
	return &RemoteFile{Body: io.NopCloser(strings.NewReader(content)), Length: r.length, ContentType: "image/jpeg", Filename: "theirs.jpg"}, nil
}

func TestRemoteMedia(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		there := id.ContentURI{Homeserver: "two.example", FileID: "photo"}
		original := photo(t, 200, 100, 1)
		other := &remotes{length: -1, content: map[string]string{there.String(): string(original)}}
		w := newWorld(t, db, Options{Remote: other, RemoteLife: time.Hour, MaxUpload: 100_000})
		_, err := w.Download(ctx, Request{URI: there, LocalOnly: true})
		wantCode(t, err, matrix.NotFound, 404)
		for range 3 {
			if f, got := w.download(t, there); !bytes.Equal(got, original) || f.Filename != "theirs.jpg" || f.ContentType != "image/jpeg" {
				t.Errorf("got %d bytes, %q, %q", len(got), f.Filename, f.ContentType)
			}
		}
		if _, config, _ := w.thumbnail(t, want(there, 32, 32, true)); config.Width != 32 {
			t.Errorf("thumbnail is %d wide", config.Width)
		}
		if n := other.asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		_, err = w.Download(ctx, Request{URI: id.ContentURI{Homeserver: "two.example", FileID: "none"}})
		wantCode(t, err, matrix.NotFound, 404)

		w.pass(2 * time.Hour)
		w.tidy(ctx)
		if n := w.files(t); n != 0 {
			t.Errorf("%d files on the disk after their life", n)
		}

		large := id.ContentURI{Homeserver: "two.example", FileID: "large"}
		other.content[large.String()] = string(noise(100_001))
		_, err = w.Download(ctx, Request{URI: large})
		wantCode(t, err, matrix.TooLarge, 502)
		other.length = 100_001
		_, err = w.Download(ctx, Request{URI: there})
		wantCode(t, err, matrix.TooLarge, 502)
	})
}

func TestRemoteMediaIsFetchedOnce(t *testing.T) {
	t.Parallel()
	uri := id.ContentURI{Homeserver: "two.example", FileID: "x"}
	other := &remotes{length: -1, content: map[string]string{uri.String(): "x"}, gate: make(chan struct{})}
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{Remote: other})
	first, leave := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _, _ = w.fetch(first, Request{URI: uri}) })
	<-other.gate // it is asking
	leave()
	for range 4 {
		group.Go(func() {
			if got, err := w.fetch(t.Context(), Request{URI: uri}); string(got) != "x" || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	other.gate <- struct{}{}
	group.Wait()
	if asked, n := other.asked.Load(), w.files(t); asked != 1 || n != 1 {
		t.Errorf("asked %d times for %d files, want once for one", asked, n)
	}
}
