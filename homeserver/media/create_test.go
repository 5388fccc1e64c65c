package media

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestCreateAndFill(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{PendingLife: time.Hour})
		ctx := t.Context()
		uri, expires, err := w.Create(ctx, user(ada))
		if err != nil || !expires.Equal(w.now().Add(time.Hour)) {
			t.Fatal(uri, expires, err)
		}
		_, err = w.Download(ctx, Request{URI: uri})
		wantCode(t, err, matrix.NotYetUploaded, 504)
		wantCode(t, w.Fill(ctx, user(bob), uri, file(nil, "", "")), matrix.Forbidden, 403)
		wantCode(t, w.Fill(ctx, user(ada), id.ContentURI{Homeserver: here, FileID: "unknown"}, file(nil, "", "")), matrix.NotFound, 404)
		wantCode(t, w.Fill(ctx, user(ada), id.ContentURI{Homeserver: "two.example", FileID: uri.FileID}, file(nil, "", "")), matrix.NotFound, 404)
		if err := w.Fill(ctx, user(ada), uri, file([]byte("late"), "text/plain", "n")); err != nil {
			t.Fatal(err)
		}
		if f, got := w.download(t, uri); string(got) != "late" || f.Filename != "n" {
			t.Errorf("got %q, %q", got, f.Filename)
		}
		wantCode(t, w.Fill(ctx, user(ada), uri, file([]byte("again"), "", "")), matrix.CannotOverwriteMedia, 409)

		expired, _, err := w.Create(ctx, user(ada))
		if err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
		wantCode(t, w.Fill(ctx, user(ada), expired, file(nil, "", "")), matrix.NotFound, 404)
		_, err = w.Download(ctx, Request{URI: expired, Wait: time.Hour})
		wantCode(t, err, matrix.NotFound, 404)
		w.pass(2 * time.Hour)
		w.tidy(ctx)
		if usage, _ := w.Usage(ctx, ada); usage.Files != 1 {
			t.Errorf("%d files, want 1", usage.Files)
		}
	})
}

// racingBody fills the same address while its own upload is under way.
type racingBody struct {
	io.Reader
	race func()
}

func (b *racingBody) Read(p []byte) (int, error) {
	if b.race != nil {
		b.race()
		b.race = nil
	}
	return b.Reader.Read(p)
}

func TestFillTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	uri, _, err := w.Create(t.Context(), user(ada))
	if err != nil {
		t.Fatal(err)
	}
	body := &racingBody{strings.NewReader("second"), func() {
		if err := w.Fill(t.Context(), user(ada), uri, file([]byte("first"), "", "")); err != nil {
			t.Error(err)
		}
	}}
	wantCode(t, w.Fill(t.Context(), user(ada), uri, Upload{Body: body, Length: -1}), matrix.CannotOverwriteMedia, 409)
	if _, got := w.download(t, uri); string(got) != "first" {
		t.Errorf("content %q", got)
	}
	if n := w.files(t); n != 1 {
		t.Errorf("%d files on the disk, want 1", n)
	}
}

func TestPendingLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{MaxPending: 2, PendingLife: time.Hour})
	ctx := t.Context()
	first, _, err := w.Create(ctx, user(ada))
	if err != nil {
		t.Fatal(err)
	}
	w.pass(10 * time.Minute)
	if _, _, err := w.Create(ctx, user(ada)); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.Create(ctx, user(ada))
	wantCode(t, err, matrix.LimitExceeded, 429)
	var answer *matrix.Error
	if errors.As(err, &answer); answer.RetryAfter != 50*time.Minute {
		t.Errorf("retry after %v, want when the first one expires", answer.RetryAfter)
	}
	if err := w.Fill(ctx, user(ada), first, file(nil, "", "")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Create(ctx, user(ada)); err != nil {
		t.Errorf("after an upload: %v", err)
	}
}

func TestDownloadWaitsForUpload(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		uri, _, err := w.Create(t.Context(), user(ada))
		if err != nil {
			t.Fatal(err)
		}
		var waiters sync.WaitGroup
		for range 3 {
			waiters.Go(func() {
				got, err := w.fetch(t.Context(), Request{URI: uri, Wait: 30 * time.Second})
				if string(got) != "here" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		if err := w.Fill(t.Context(), user(ada), uri, file([]byte("here"), "", "")); err != nil {
			t.Fatal(err)
		}
		waiters.Wait()

		uri, _, err = w.Create(t.Context(), user(ada))
		if err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.Download(gone, Request{URI: uri, Wait: 30 * time.Second}); !errors.Is(err, context.Canceled) {
			t.Errorf("a client that has gone away waits on: %v", err)
		}
	})
}

func TestCrashBetweenFileAndDatabase(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		// Two uploads that reached the disk: the database knows one of them.
		counted, err := w.receive(file([]byte("counted"), "", ""), false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.receive(file([]byte("lost"), "", ""), false); err != nil {
			t.Fatal(err)
		}
		uri := w.newURI()
		if _, err := w.store.Add(t.Context(), w.item(uri, ada, Upload{}, counted), counted.blob, 0); err != nil {
			t.Fatal(err)
		}
		// And a deletion that did not reach the disk.
		deleted := w.upload(t, ada, []byte("deleted"), "", "")
		if _, err := w.store.Delete(t.Context(), here, deleted.FileID); err != nil {
			t.Fatal(err)
		}

		w.restart(t, Options{})
		if _, got := w.download(t, uri); string(got) != "counted" {
			t.Errorf("before it is settled: %q", got)
		}
		done, stop := context.WithCancel(t.Context())
		stop()
		w.settleLeftover(t.Context())
		w.tidy(t.Context())
		if err := w.Run(done); err != nil { // again, which must not hurt
			t.Error(err)
		}
		if _, got := w.download(t, uri); string(got) != "counted" {
			t.Errorf("after it is settled: %q", got)
		}
		if n := w.files(t); n != 1 {
			t.Errorf("%d files on the disk, want 1", n)
		}
	})
}
