package media

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestUploadComesBack(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		for _, n := range []int{0, 1, 300_000} {
			uri := w.upload(t, ada, noise(n), "text/plain; charset=utf-8", "a ☕.txt")
			f, got := w.download(t, uri)
			if !bytes.Equal(got, noise(n)) || f.ContentType != "text/plain; charset=utf-8" || f.Filename != "a ☕.txt" {
				t.Errorf("%d bytes came back as %d, %q, %q", n, len(got), f.ContentType, f.Filename)
			}
			if uri.Homeserver != here || checkURI(uri) != nil {
				t.Errorf("address %s", uri)
			}
		}
		for _, said := range []string{"", "nonsense type", "a/b\r\nX: y", "text/" + strings.Repeat("x", 300)} {
			if f, _ := w.download(t, w.upload(t, ada, []byte("x"), said, "")); f.ContentType != unknownType {
				t.Errorf("content type %q became %q", said, f.ContentType)
			}
		}
	})
}

func TestDownloadOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	for _, uri := range []id.ContentURI{{Homeserver: here, FileID: "none"}, {Homeserver: "two.example", FileID: "none"}} {
		_, err := w.Download(t.Context(), Request{URI: uri})
		wantCode(t, err, matrix.NotFound, 404)
	}
	for _, uri := range []id.ContentURI{
		{Homeserver: here}, {Homeserver: here, FileID: "../key"}, {Homeserver: here, FileID: "a b"}, {FileID: "a"},
		{Homeserver: "../..", FileID: "a"}, {Homeserver: strings.Repeat("a", 300), FileID: "a"}, {Homeserver: here, FileID: strings.Repeat("a", 300)},
	} {
		_, err := w.Download(t.Context(), Request{URI: uri})
		wantCode(t, err, matrix.InvalidParam, 400)
	}
}

func TestSizeLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{MaxUpload: 1000})
	w.upload(t, ada, noise(1000), "", "")
	_, err := w.Upload(t.Context(), user(ada), file(noise(1001), "", ""))
	wantCode(t, err, matrix.TooLarge, 413)
	_, err = w.Upload(t.Context(), user(ada), Upload{Body: bytes.NewReader(noise(5000)), Length: -1})
	wantCode(t, err, matrix.TooLarge, 413)
	_, err = w.Upload(t.Context(), user(ada), Upload{Body: http.MaxBytesReader(nil, io.NopCloser(bytes.NewReader(noise(900))), 10), Length: -1})
	wantCode(t, err, matrix.TooLarge, 413)
	if n := w.files(t); n != 1 {
		t.Errorf("%d files on the disk, want 1", n)
	}
}

func TestBrokenOffUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	body := io.MultiReader(bytes.NewReader(noise(200_000)), failing{})
	_, err := w.Upload(t.Context(), user(ada), Upload{Body: body, Length: 300_000})
	wantCode(t, err, matrix.Unknown, 400)
	if n := w.files(t); n != 0 {
		t.Errorf("%d files on the disk, want none", n)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestUploadIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	suspended := matrix.Principal{User: ada, Suspended: true}
	_, err := w.Upload(t.Context(), suspended, file(nil, "", ""))
	wantCode(t, err, matrix.UserSuspended, 403)
	_, _, err = w.Create(t.Context(), suspended)
	wantCode(t, err, matrix.UserSuspended, 403)
	_, err = w.Upload(t.Context(), user(ada), file(nil, "", strings.Repeat("x", 2000)))
	wantCode(t, err, matrix.InvalidParam, 400)
}

func TestQuota(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{Quota: 1000})
		first := w.upload(t, ada, noise(600), "", "")
		_, err := w.Upload(t.Context(), user(ada), file(noise(500), "", ""))
		wantCode(t, err, matrix.Forbidden, 403)
		_, err = w.Upload(t.Context(), user(ada), Upload{Body: bytes.NewReader(noise(500)), Length: -1}) // known when it has been received
		wantCode(t, err, matrix.Forbidden, 403)
		if n := w.files(t); n != 1 {
			t.Errorf("%d files on the disk, want 1", n)
		}
		w.upload(t, bob, noise(1000), "", "")
		if err := w.Delete(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		w.upload(t, ada, noise(1000), "", "")
		if usage, err := w.Usage(t.Context(), ada); usage != (Usage{Files: 1, Bytes: 1000}) || err != nil {
			t.Errorf("usage %+v, %v", usage, err)
		}
	})
}

func TestEqualContentIsStoredOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		a := w.upload(t, ada, noise(5000), "a/a", "a")
		b := w.upload(t, bob, noise(5000), "b/b", "b")
		if n := w.files(t); n != 1 || a == b {
			t.Fatalf("%d files on the disk, addresses %s, %s, want one file with two addresses", n, a, b)
		}
		if n, err := w.DeleteByUser(t.Context(), ada); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		_, err := w.Download(t.Context(), Request{URI: a})
		wantCode(t, err, matrix.NotFound, 404)
		if f, got := w.download(t, b); !bytes.Equal(got, noise(5000)) || f.Filename != "b" {
			t.Error("the other user's media is damaged")
		}
		if err := w.Delete(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if n := w.files(t); n != 0 {
			t.Errorf("%d files on the disk after the last deletion", n)
		}
		wantCode(t, w.Delete(t.Context(), b), matrix.NotFound, 404)
	})
}

func TestManyAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		var group sync.WaitGroup
		for i := range 12 {
			group.Go(func() { // the same four contents, stored and deleted against each other
				content := noise(1000 + i%4)
				uri, err := w.Upload(t.Context(), user(ada), file(content, "", ""))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := w.fetch(t.Context(), Request{URI: uri}); err != nil || !bytes.Equal(got, content) {
					t.Errorf("different content, error %v", err)
				}
				if i%3 > 0 {
					if err := w.Delete(t.Context(), uri); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if n := w.files(t); n != 4 {
			t.Errorf("%d files on the disk, want 4", n)
		}
	})
}
