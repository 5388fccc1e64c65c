package mediastore_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/storage"
	"plenum/storage/mediastore"
	"plenum/storage/storagetest"
)

const (
	here = "one.example"
	ada  = id.UserID("@ada:one.example")
	bob  = id.UserID("@bob:one.example")
)

func blob(hash, file string, size int64) mediastore.Blob {
	return mediastore.Blob{Hash: hash, File: file, Size: size}
}

func item(mediaID string, user id.UserID) mediastore.Item {
	return mediastore.Item{Origin: here, ID: mediaID, Uploader: user, ContentType: "text/plain", Filename: "a b", Animated: true, CreatedMS: 1000}
}

// add stores media and returns the blob file in use.
func add(t *testing.T, s *mediastore.Store, i mediastore.Item, b mediastore.Blob) string {
	t.Helper()
	file, err := s.Add(t.Context(), i, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func wantGone(t *testing.T, s *mediastore.Store, want ...string) {
	t.Helper()
	gone, err := s.Gone(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(gone); !slices.Equal(gone, want) {
		t.Errorf("gone %v, want %v", gone, want)
	}
}

func wantUsage(t *testing.T, s *mediastore.Store, user id.UserID, files, bytes int64) {
	t.Helper()
	got, err := s.Usage(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	if want := (mediastore.Usage{Files: files, Bytes: bytes}); got != want {
		t.Errorf("usage of %s is %+v, want %+v", user, got, want)
	}
}

func TestItemComesBack(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		add(t, s, item("m1", ada), blob("h1", "f1", 7))
		got, ok, err := s.Item(t.Context(), here, "m1")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		want := item("m1", ada)
		want.File, want.Size = "f1", 7
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if _, ok, err := s.Item(t.Context(), "two.example", "m1"); ok || err != nil {
			t.Errorf("media of another server: %v, %v", ok, err)
		}
	})
}

func TestEqualContentIsOneBlobUntilTheLastReference(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		ctx := t.Context()
		add(t, s, item("m1", ada), blob("h1", "f1", 7))
		if file := add(t, s, item("m2", bob), blob("h1", "f2", 7)); file != "f1" {
			t.Errorf("second upload uses %s, want f1", file)
		}
		wantUsage(t, s, bob, 1, 7)

		if found, err := s.Delete(ctx, here, "m1"); !found || err != nil {
			t.Fatal(found, err)
		}
		wantGone(t, s)
		if ok, err := s.Holds(ctx, "h1", "f1"); !ok || err != nil {
			t.Errorf("the blob of m2 is not held: %v, %v", ok, err)
		}
		if found, err := s.Delete(ctx, here, "m1"); found || err != nil {
			t.Errorf("deleted twice: %v, %v", found, err)
		}
		if _, err := s.Delete(ctx, here, "m2"); err != nil {
			t.Fatal(err)
		}
		wantGone(t, s, "f1")
		wantUsage(t, s, ada, 0, 0)

		// The same content again is another file, which the removal of the
		// first one cannot take away.
		if file := add(t, s, item("m3", ada), blob("h1", "f3", 7)); file != "f3" {
			t.Errorf("new upload uses %s, want f3", file)
		}
		wantGone(t, s, "f1")
		if err := s.Removed(ctx, []string{"f1"}); err != nil {
			t.Fatal(err)
		}
		wantGone(t, s)
		for file, want := range map[string]bool{"f1": false, "f3": true} {
			if ok, err := s.Holds(ctx, "h1", file); ok != want || err != nil {
				t.Errorf("%s held: %v, %v, want %v", file, ok, err, want)
			}
		}
	})
}

func TestQuota(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		ctx := t.Context()
		if _, err := s.Add(ctx, item("m1", ada), blob("h1", "f1", 60), 100); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Add(ctx, item("m2", ada), blob("h2", "f2", 41), 100); !errors.Is(err, mediastore.ErrQuota) {
			t.Errorf("over quota: %v, want ErrQuota", err)
		}
		if _, ok, err := s.Item(ctx, here, "m2"); ok || err != nil {
			t.Errorf("refused media exists: %v, %v", ok, err)
		}
		wantUsage(t, s, ada, 1, 60)
		if _, err := s.Add(ctx, item("m3", ada), blob("h3", "f3", 40), 100); err != nil {
			t.Errorf("exactly full: %v", err)
		}
		if _, err := s.Add(ctx, item("m4", bob), blob("h4", "f4", 100), 100); err != nil {
			t.Errorf("another user: %v", err)
		}
		remote := item("m5", "")
		remote.Origin = "two.example"
		if _, err := s.Add(ctx, remote, blob("h5", "f5", 1000), 100); err != nil {
			t.Errorf("media of another server counts for somebody: %v", err)
		}
	})
}

func reserve(t *testing.T, s *mediastore.Store, mediaID string, user id.UserID, now, expires int64) int64 {
	t.Helper()
	i := mediastore.Item{Origin: here, ID: mediaID, Uploader: user, CreatedMS: now, ExpiresMS: expires}
	full, err := s.Reserve(t.Context(), i, 2)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func TestReserveAndFill(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		ctx := t.Context()
		reserve(t, s, "m1", ada, 10, 100)
		got, ok, err := s.Item(ctx, here, "m1")
		if err != nil || !ok || got.File != "" || got.ExpiresMS != 100 {
			t.Fatalf("reserved media is %+v, %v, %v", got, ok, err)
		}
		uploads := s.Uploads(here, "m1")
		defer uploads.Close()

		if _, err := s.Fill(ctx, item("m1", bob), blob("h", "f", 1), 0); !errors.Is(err, mediastore.ErrNotPending) {
			t.Errorf("filled by somebody else: %v", err)
		}
		if _, err := s.Fill(ctx, item("m1", ada), blob("h", "f", 9), 5); !errors.Is(err, mediastore.ErrQuota) {
			t.Errorf("filled over quota: %v", err)
		}
		select {
		case <-uploads.C():
			t.Error("told of an upload that failed")
		default:
		}
		if file, err := s.Fill(ctx, item("m1", ada), blob("h", "f", 9), 10); file != "f" || err != nil {
			t.Fatal(file, err)
		}
		<-uploads.C()
		wantUsage(t, s, ada, 1, 9)
		if got, _, _ := s.Item(ctx, here, "m1"); got.File != "f" || got.Size != 9 || got.ExpiresMS != 0 || got.Filename != "a b" || !got.Animated {
			t.Errorf("filled media is %+v", got)
		}
		if _, err := s.Fill(ctx, item("m1", ada), blob("h2", "f2", 9), 0); !errors.Is(err, mediastore.ErrNotPending) {
			t.Errorf("filled twice: %v", err)
		}
	})
}

func TestReservationsAreLimited(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		reserve(t, s, "m1", ada, 10, 100)
		reserve(t, s, "m2", ada, 20, 120)
		if full := reserve(t, s, "m3", ada, 30, 130); full != 100 {
			t.Errorf("full until %d, want 100", full)
		}
		if _, ok, _ := s.Item(t.Context(), here, "m3"); ok {
			t.Error("reserved beyond the limit")
		}
		if full := reserve(t, s, "m4", bob, 30, 130); full != 0 {
			t.Error("limited by the reservations of another user")
		}
		if full := reserve(t, s, "m5", ada, 101, 200); full != 0 {
			t.Error("limited by an expired reservation")
		}
	})
}

func TestExpiry(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		ctx := t.Context()
		reserve(t, s, "old", ada, 10, 100)
		reserve(t, s, "new", ada, 10, 200)
		add(t, s, item("full", ada), blob("h1", "f1", 1))
		for name, created := range map[string]int64{"cached": 100, "fresh": 300} {
			i := item(name, "")
			i.Origin, i.CreatedMS = "two.example", created
			add(t, s, i, blob("h-"+name, "f-"+name, 1))
		}
		if n, err := s.Expire(ctx, 150); n != 1 || err != nil {
			t.Errorf("expired %d, %v, want 1", n, err)
		}
		if n, err := s.ExpireRemote(ctx, 200); n != 1 || err != nil {
			t.Errorf("expired %d remote, %v, want 1", n, err)
		}
		for _, k := range []struct {
			origin, id string
			want       bool
		}{{here, "old", false}, {here, "new", true}, {here, "full", true}, {"two.example", "cached", false}, {"two.example", "fresh", true}} {
			if _, ok, err := s.Item(ctx, k.origin, k.id); ok != k.want || err != nil {
				t.Errorf("%s: %v, %v, want %v", k.id, ok, err, k.want)
			}
		}
		wantGone(t, s, "f-cached")
	})
}

func TestDeleteByUser(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		ctx := t.Context()
		const many = 230 // more than one batch
		for i := range many {
			name := string(rune('a'+i/26)) + string(rune('a'+i%26))
			add(t, s, item(name, ada), blob("h"+name, "f"+name, 2))
		}
		reserve(t, s, "reserved", ada, 10, 1<<40)
		add(t, s, item("shared", bob), blob("haa", "other", 2))
		thumb := mediastore.Thumbnail{Width: 32, Height: 32, Crop: true, ContentType: "image/png"}
		if _, err := s.AddThumbnail(ctx, here, "aa", thumb, blob("ht", "ft", 1), 10); err != nil {
			t.Fatal(err)
		}

		if n, err := s.DeleteByUser(ctx, ada); n != many+1 || err != nil {
			t.Errorf("deleted %d, %v, want %d", n, err, many+1)
		}
		wantUsage(t, s, ada, 0, 0)
		wantUsage(t, s, bob, 1, 2)
		if got, ok, err := s.Item(ctx, here, "shared"); !ok || err != nil || got.File != "faa" {
			t.Errorf("media of another user: %+v, %v, %v", got, ok, err)
		}
		gone, err := s.Gone(ctx, 1000)
		if err != nil || len(gone) != many || !slices.Contains(gone, "ft") || slices.Contains(gone, "faa") {
			t.Errorf("%d blobs gone, %v, want %d with the thumbnail, without the shared one", len(gone), err, many)
		}
		if err := s.Removed(ctx, gone); err != nil {
			t.Fatal(err)
		}
		wantGone(t, s)
	})
}

func TestThumbnails(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		ctx := t.Context()
		add(t, s, item("m1", ada), blob("h1", "f1", 7))
		t32 := mediastore.Thumbnail{Width: 32, Height: 32, Crop: true, ContentType: "image/jpeg"}
		t96 := mediastore.Thumbnail{Width: 96, Height: 96, ContentType: "image/png"}
		if _, ok, err := s.Thumbnail(ctx, here, "m1", t32); ok || err != nil {
			t.Errorf("before it is made: %v, %v", ok, err)
		}
		if file, err := s.AddThumbnail(ctx, here, "m1", t32, blob("ht", "ft", 3), 1); file != "ft" || err != nil {
			t.Fatal(file, err)
		}
		got, ok, err := s.Thumbnail(ctx, here, "m1", t32)
		if want := (mediastore.Thumbnail{Width: 32, Height: 32, Crop: true, ContentType: "image/jpeg", File: "ft"}); got != want || !ok || err != nil {
			t.Errorf("got %+v, %v, %v, want %+v", got, ok, err, want)
		}
		if _, ok, _ := s.Thumbnail(ctx, here, "m1", mediastore.Thumbnail{Width: 32, Height: 32}); ok {
			t.Error("a cropped thumbnail found for a scaled one")
		}
		for name, try := range map[string]func() (string, error){
			"once more":       func() (string, error) { return s.AddThumbnail(ctx, here, "m1", t32, blob("ht", "ft2", 3), 5) },
			"beyond limit":    func() (string, error) { return s.AddThumbnail(ctx, here, "m1", t96, blob("hu", "fu", 3), 1) },
			"of nothing":      func() (string, error) { return s.AddThumbnail(ctx, here, "m2", t32, blob("hv", "fv", 3), 5) },
			"of other server": func() (string, error) { return s.AddThumbnail(ctx, "x", "m1", t32, blob("hw", "fw", 3), 5) },
		} {
			if file, err := try(); file != "" || err != nil {
				t.Errorf("%s: kept %q, %v, want none", name, file, err)
			}
		}
		wantUsage(t, s, ada, 1, 7)
		if _, err := s.Delete(ctx, here, "m1"); err != nil {
			t.Fatal(err)
		}
		wantGone(t, s, "f1", "ft")
	})
}

func TestManyUploadsOfOneContentAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		s := mediastore.New(db)
		files := make([]string, 20)
		var group sync.WaitGroup
		for i := range files {
			group.Go(func() {
				name := string(rune('a' + i))
				file, err := s.Add(t.Context(), item(name, ada), blob("h", "f"+name, 5), 0)
				if err != nil {
					t.Error(err)
				}
				files[i] = file
			})
		}
		group.Wait()
		for _, file := range files {
			if file != files[0] {
				t.Fatalf("different files in use: %v", files)
			}
		}
		wantUsage(t, s, ada, int64(len(files)), 5*int64(len(files)))
		if _, err := s.DeleteByUser(t.Context(), ada); err != nil {
			t.Fatal(err)
		}
		wantGone(t, s, files[0])
	})
}
