package blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// folder opens a store in a folder of its own and returns where it is.
func folder(t testing.TB) (s *Store, dir, key string) {
	t.Helper()
	base := t.TempDir()
	dir, key = filepath.Join(base, "media"), filepath.Join(base, "media.key")
	return reopen(t, dir, key), dir, key
}

func reopen(t testing.TB, dir, key string) *Store {
	t.Helper()
	s, err := Open(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// seal stores content without placing it.
func seal(t testing.TB, s *Store, content []byte) ID {
	t.Helper()
	w, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if w.Size() != int64(len(content)) {
		t.Fatalf("size %d, want %d", w.Size(), len(content))
	}
	id, err := w.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func put(t testing.TB, s *Store, content []byte) ID {
	t.Helper()
	id := seal(t, s, content)
	if err := s.Place(id); err != nil {
		t.Fatal(err)
	}
	return id
}

func content(t testing.TB, s *Store, id ID) []byte {
	t.Helper()
	r, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// files returns every file below dir.
func files(t testing.TB, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestContentComesBack(t *testing.T) {
	t.Parallel()
	s, dir, key := folder(t)
	for _, n := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 128 << 10, 300_000} {
		want := noise(n)
		id := put(t, s, want)
		if got := content(t, s, id); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: different content back", n)
		}
		if got := content(t, reopen(t, dir, key), id); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: different content after a restart", n)
		}
	}
}

func TestDiskRevealsNothing(t *testing.T) {
	t.Parallel()
	s, dir, _ := folder(t)
	secret := []byte(strings.Repeat("the quick brown fox ", 10_000))
	put(t, s, secret)
	sum := sha256.Sum256(secret)
	for _, path := range files(t, dir) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, secret[:20]) {
			t.Errorf("%s holds plain text", path)
		}
		if strings.Contains(path, hex.EncodeToString(sum[:])) {
			t.Errorf("%s is named by a plain hash", path)
		}
		if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", path, info.Mode().Perm())
		}
	}
}

func TestEqualContentsShareAHash(t *testing.T) {
	t.Parallel()
	s, dir, key := folder(t)
	a, b, c := put(t, s, []byte("same")), put(t, reopen(t, dir, key), []byte("same")), put(t, s, []byte("other"))
	if a == b || a.Hash() != b.Hash() || a.Hash() == c.Hash() {
		t.Errorf("names %s, %s, %s: want the hash of the first two equal, the names distinct", a, b, c)
	}
	elsewhere, _, _ := folder(t)
	if d := put(t, elsewhere, []byte("same")); d.Hash() == a.Hash() {
		t.Error("two keys give the same hash")
	}
}

func TestReadsFromAnyPosition(t *testing.T) {
	t.Parallel()
	s, _, _ := folder(t)
	want := noise(5*64<<10 + 1234)
	r, err := s.Open(put(t, s, want))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		from := random.Int64N(int64(len(want)))
		n := random.Int64N(min(200_000, int64(len(want))-from) + 1)
		if _, err := r.Seek(from, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.LimitReader(r, n))
		if err != nil || !bytes.Equal(got, want[from:from+n]) {
			t.Fatalf("%d bytes at %d: wrong content, error %v", n, from, err)
		}
	}
	if end, err := r.Seek(0, io.SeekEnd); err != nil || end != int64(len(want)) {
		t.Errorf("end at %d, %v, want %d", end, err, len(want))
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read at the end: %d, %v, want EOF", n, err)
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("sought before the start")
	}
}

func TestCrashLeavesNoHalfBlob(t *testing.T) {
	t.Parallel()
	s, dir, key := folder(t)
	w, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(noise(200_000)); err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, s, []byte("sealed")) // and the process dies here
	placed := put(t, s, []byte("placed"))

	s = reopen(t, dir, key)
	if left := s.Leftover(); len(left) != 1 || left[0] != sealed {
		t.Errorf("leftover %v, want %s", left, sealed)
	}
	for _, path := range files(t, dir) {
		if strings.HasSuffix(path, partSuffix) {
			t.Errorf("%s is still there", path)
		}
	}
	if got := content(t, s, sealed); string(got) != "sealed" {
		t.Errorf("pending blob reads %q", got)
	}
	if err := s.Place(sealed); err != nil {
		t.Error(err)
	}
	for _, id := range []ID{sealed, placed} {
		content(t, s, id)
	}
	if left := reopen(t, dir, key).Leftover(); len(left) != 0 {
		t.Errorf("leftover %v after placing, want none", left)
	}
}

func TestPlaceAndRemove(t *testing.T) {
	t.Parallel()
	s, dir, _ := folder(t)
	id := put(t, s, []byte("x"))
	if err := s.Place(id); err != nil {
		t.Errorf("placing twice: %v", err)
	}
	r, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Remove(id), s.Remove(id)); err != nil {
		t.Errorf("removing twice: %v", err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "x" {
		t.Errorf("an open reader lost its blob: %q, %v", got, err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := r.Read(make([]byte, 1)); err == nil && r.pos < r.size {
		t.Error("read after close")
	}
	if _, err := s.Open(id); !errors.Is(err, ErrNotFound) {
		t.Errorf("open after removal: %v, want ErrNotFound", err)
	}
	if err := s.Place(id); !errors.Is(err, ErrNotFound) {
		t.Errorf("place after removal: %v, want ErrNotFound", err)
	}
	discarded := seal(t, s, []byte("y"))
	if err := s.Discard(discarded); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) != 1 { // the recipient
		t.Errorf("files left: %v", left)
	}
}

func TestNamesCannotLeaveTheFolder(t *testing.T) {
	t.Parallel()
	s, _, key := folder(t)
	for _, id := range []ID{"", "..", "../media.key", ID("../../" + key), ID(strings.Repeat("a", 64)), ID(strings.Repeat("A", 64) + "." + strings.Repeat("0", 16))} {
		if _, err := s.Open(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("open %q: %v, want ErrNotFound", id, err)
		}
		if err := s.Remove(id); err != nil {
			t.Errorf("remove %q: %v", id, err)
		}
	}
	if _, err := os.Stat(key); err != nil {
		t.Error(err)
	}
}

func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	s, _, _ := folder(t)
	id := put(t, s, noise(400_000))
	path := s.path(id)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(change func([]byte) []byte) {
		if err := os.WriteFile(path, change(bytes.Clone(data)), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	damage(func(b []byte) []byte { return b[:len(b)-70_000] })
	if _, err := s.Open(id); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a truncated blob opened: %v", err)
	}
	damage(func(b []byte) []byte { b[150_000] ^= 1; return b })
	r, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); err == nil {
		t.Error("a changed blob was read to its end")
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	s, dir, key := folder(t)
	id := put(t, s, []byte("x"))
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v, %v, want mode 0600", info, err)
	}
	original, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}

	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, key); !errors.Is(err, ErrKeyLost) {
		t.Errorf("without its key: %v, want ErrKeyLost", err)
	}
	if _, err := os.Stat(key); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a new key was made over a lost one")
	}

	_, _, foreign := folder(t)
	if _, err := Open(dir, foreign); !errors.Is(err, ErrKeyLost) {
		t.Errorf("with another key: %v, want ErrKeyLost", err)
	}

	// Both keys in one file: the new one first, the old one still reads.
	other, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, append(other, original...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := content(t, reopen(t, dir, key), id); string(got) != "x" {
		t.Errorf("content %q under a changed key", got)
	}

	if err := os.WriteFile(key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, key); err == nil {
		t.Error("opened with nonsense for a key")
	}
}

func TestWriterReadsBackBeforeSealing(t *testing.T) {
	t.Parallel()
	s, dir, _ := folder(t)
	w, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "draft"); err != nil {
		t.Fatal(err)
	}
	r, err := w.Reader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "draft" {
		t.Errorf("read back %q, %v", got, err)
	}
	id, err := w.Seal()
	if err != nil {
		t.Fatal(err)
	}
	w.Discard()
	if got := content(t, s, id); string(got) != "draft" {
		t.Errorf("sealed %q", got)
	}
	if _, err := w.Seal(); err == nil {
		t.Error("sealed twice")
	}
	dropped, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	dropped.Discard()
	for _, path := range files(t, dir) {
		if strings.HasSuffix(path, partSuffix) {
			t.Errorf("%s stays after Discard", path)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s, _, _ := folder(t)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			want := []byte(fmt.Sprint("content ", i%4))
			id := put(t, s, want)
			if got := content(t, s, id); !bytes.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if err := s.Remove(id); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{100 << 10, 1 << 20, 20 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s, _, _ := folder(b)
			data := noise(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Remove(put(b, s, data)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []int{100 << 10, 1 << 20, 20 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s, _, _ := folder(b)
			id := put(b, s, noise(size))
			buffer := make([]byte, 32<<10) // what net/http copies with
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r, err := s.Open(id)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buffer); err != nil {
					b.Fatal(err)
				}
				_ = r.Close()
			}
		})
	}
}
