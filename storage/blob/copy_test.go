package blob

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// encrypted returns a blob as it is on the disk.
func encrypted(t testing.TB, s *Store, id ID) []byte {
	t.Helper()
	f, size, err := s.OpenEncrypted(id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil || int64(len(raw)) != size {
		t.Fatalf("%d bytes, want %d, %v", len(raw), size, err)
	}
	return raw
}

func TestFolderIsCopiedToAnotherPlace(t *testing.T) {
	t.Parallel()
	s, _, keyPath := folder(t)
	contents := map[ID][]byte{}
	for _, size := range []int{0, 1, 64 << 10, 200_000} {
		content := noise(size)
		contents[put(t, s, content)] = content
	}
	contents[seal(t, s, []byte("pending"))] = []byte("pending")

	dir := filepath.Join(t.TempDir(), "media")
	im, err := NewImporter(dir)
	if err != nil {
		t.Fatal(err)
	}
	for id := range contents {
		w, err := im.Create(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(encrypted(t, s, id)); err != nil {
			t.Fatal(err)
		}
		if err := w.Keep(); err != nil {
			t.Fatal(err)
		}
		w.Discard()
	}
	w, err := im.Create(seal(t, s, []byte("given up")))
	if err != nil {
		t.Fatal(err)
	}
	w.Discard()
	if err := im.Close(); err != nil {
		t.Fatal(err)
	}
	other := reopen(t, dir, keyPath)
	for id, want := range contents {
		if got := content(t, other, id); !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back, want %d", len(got), len(want))
		}
	}
	if n := len(other.Leftover()); n != 0 {
		t.Errorf("%d blobs are pending", n)
	}
	if left := files(t, dir); len(left) != len(contents)+1 { // and the recipient
		t.Errorf("files %v", left)
	}
}

func TestKeyTellsDamageFromFaults(t *testing.T) {
	t.Parallel()
	s, dir, keyPath := folder(t)
	old := put(t, s, []byte("written with the old key"))
	text, err := os.ReadFile(keyPath)
	if err != nil {
		t.Fatal(err)
	}
	other, _, otherPath := folder(t)
	foreign := put(t, other, []byte("of another folder"))
	newer, err := os.ReadFile(otherPath)
	if err != nil {
		t.Fatal(err)
	}
	text = append(newer, text...)
	if err := os.WriteFile(keyPath, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, dir, keyPath)
	large := put(t, s, noise(150_000))
	k, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []ID{old, large} {
		if err := k.Check(id, bytes.NewReader(encrypted(t, s, id))); err != nil {
			t.Errorf("whole: %v", err)
		}
	}
	raw := encrypted(t, s, large)
	for name, b := range map[string][]byte{
		"empty": nil, "cut": raw[:len(raw)-1], "cut at a chunk": raw[:len(raw)-10_000], "longer": append(bytes.Clone(raw), 0),
		"altered": append(append(bytes.Clone(raw[:70_000]), raw[70_000]^1), raw[70_001:]...), "other content": encrypted(t, s, old),
	} {
		if err := k.Check(large, bytes.NewReader(b)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := k.Check(foreign, bytes.NewReader(encrypted(t, other, foreign))); err != nil {
		t.Errorf("with the other key of the file: %v", err)
	}
	broken := errors.New("the line is broken")
	if err := k.Check(large, io.MultiReader(bytes.NewReader(raw[:100_000]), failing{broken})); !errors.Is(err, broken) || errors.Is(err, ErrDamaged) {
		t.Errorf("a fault of the reader: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestImporterKeepsToItsFolder(t *testing.T) {
	t.Parallel()
	im, err := NewImporter(filepath.Join(t.TempDir(), "media"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []ID{"", "..", "../../x", "pending"} {
		if _, err := im.Create(id); err == nil {
			t.Errorf("%q was created", id)
		}
	}
}
