package media

import (
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"plenum/storage"
	"plenum/storage/storagetest"
)

func BenchmarkUpload(b *testing.B) {
	for _, size := range []int{1 << 20, 20 << 20} {
		b.Run(fmt.Sprintf("%dMiB", size>>20), func(b *testing.B) {
			w := newWorld(b, storagetest.Open(b, storage.SQLite), Options{})
			content := noise(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				binary.BigEndian.PutUint64(content[100:], uint64(i))
				w.upload(b, ada, content, "application/octet-stream", "x")
			}
		})
	}
}

func BenchmarkDownload(b *testing.B) {
	for _, size := range []int{1 << 20, 20 << 20} {
		b.Run(fmt.Sprintf("%dMiB", size>>20), func(b *testing.B) {
			w := newWorld(b, storagetest.Open(b, storage.SQLite), Options{})
			uri := w.upload(b, ada, noise(size), "application/octet-stream", "x")
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				f, err := w.Download(b.Context(), Request{URI: uri})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, f); err != nil {
					b.Fatal(err)
				}
				_ = f.Close()
			}
		})
	}
}

func BenchmarkKeptThumbnail(b *testing.B) {
	w := newWorld(b, storagetest.Open(b, storage.SQLite), Options{})
	uri := w.upload(b, ada, photo(b, 2000, 1500, 1), "image/jpeg", "")
	w.thumbnail(b, want(uri, 96, 96, true))
	b.ReportAllocs()
	for b.Loop() {
		f, err := w.Thumbnail(b.Context(), want(uri, 96, 96, true))
		read(b, f, err)
	}
}
