package event_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plenum/rooms/event"
)

func TestKeyIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.key")
	first, err := event.OpenSigner(here, path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := event.OpenSigner(here, path)
	if err != nil {
		t.Fatal(err)
	}
	if !first.Public().Equal(second.Public()) || first.KeyID() != second.KeyID() || first.Server() != here {
		t.Errorf("%s %x, then %s %x", first.KeyID(), first.Public(), second.KeyID(), second.Public())
	}
	if !strings.HasPrefix(first.KeyID(), "ed25519:") {
		t.Errorf("key id %s", first.KeyID())
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := event.CreateKey(path); err == nil {
		t.Error("replaced a key")
	}
}

// Other servers write the same form.
func TestKeyOfAnotherServer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.key")
	if err := os.WriteFile(path, []byte("ed25519 a_x1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	keyID, key, err := event.ReadKey(path)
	if err != nil || keyID != "ed25519:a_x1" || string(key.Seed()) != strings.Repeat("\x00", 32) {
		t.Errorf("%s %x, %v", keyID, key, err)
	}
}

func TestKeyIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.key")
	first, err := event.OpenSigner(here, path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		at := time.UnixMilli(1_700_000_000_000 + int64(i))
		if _, err := event.RotateKey(path, at); err != nil {
			t.Fatal(err)
		}
	}
	now, err := event.OpenSigner(here, path)
	if err != nil {
		t.Fatal(err)
	}
	old := now.Old()
	if now.KeyID() == first.KeyID() || len(old) != 2 || old[1].ID != first.KeyID() || !old[1].Public.Equal(first.Public()) || old[1].Expired != 1_700_000_000_000 {
		t.Errorf("signs with %s after %+v", now.KeyID(), old)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestBrokenKeyFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "ed25519 a", "rsa a AAAA", "ed25519 a AAAA", "ed25519 a !", "ed25519 a b c", "ed25519 a_x1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nold ed25519 b AAAA 7"} {
		path := filepath.Join(t.TempDir(), "signing.key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := event.OpenSigner(here, path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: got %v, want an error that names the file", text, err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("%q was replaced", text)
		}
	}
}
