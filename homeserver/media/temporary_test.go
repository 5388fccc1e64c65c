package media

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestImagesForAWhile(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		w := newWorld(t, db, Options{KeepMetadata: true, Quota: 1})
		img, err := w.KeepImage(ctx, bytes.NewReader(photo(t, 200, 100, 6)), 2*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		f, got := w.download(t, img.URI)
		if f.ContentType != "image/jpeg" || img.ContentType != "image/jpeg" || img.Size != int64(len(got)) || img.Width != 100 || img.Height != 200 {
			t.Errorf("kept %+v of %d bytes", img, len(got))
		}
		if bytes.Contains(got, []byte("N 52")) {
			t.Error("the place is still in it")
		}
		before := w.files(t)
		if _, err := w.KeepImage(ctx, strings.NewReader("<svg>"), time.Hour); !errors.Is(err, ErrNoImage) {
			t.Errorf("%v", err)
		}
		if n := w.files(t); n != before {
			t.Errorf("%d files, want %d", n, before)
		}
		w.pass(time.Hour)
		w.tidy(ctx)
		w.download(t, img.URI)
		w.pass(4 * time.Hour)
		w.tidy(ctx)
		_, err = w.Download(ctx, Request{URI: img.URI})
		wantCode(t, err, matrix.NotFound, 404)
		if n := w.files(t); n != 0 {
			t.Errorf("%d files after its life", n)
		}
	})
}
