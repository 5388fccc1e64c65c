package archive

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"plenum/storage"
)

// begin starts a backup of which nobody reads more than a byte.
func (w *world) begin(ctx context.Context) *Stream {
	w.t.Helper()
	s, err := w.maker.Start(ctx, []age.Recipient{w.identity.Recipient()})
	if err == nil {
		_, err = io.ReadFull(s, make([]byte, 1))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// wantTidy checks that a backup that broke off has left no file, and that
// another one can be made.
func (w *world) wantTidy() {
	w.t.Helper()
	left, err := filepath.Glob(w.path(".backup-*"))
	if err != nil || len(left) > 0 {
		w.t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := w.verify(w.backup()); err != nil {
		w.t.Errorf("the next backup: %v", err)
	}
}

func TestOneBackupAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(20)
	s := w.begin(t.Context())
	if _, err := w.maker.Start(t.Context(), []age.Recipient{w.identity.Recipient()}); !errors.Is(err, ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Summary(); err == nil {
		t.Error("a backup that was broken off has a summary")
	}
	w.wantTidy()
}

func TestBackupEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(20)
	ctx, cancel := context.WithCancel(t.Context())
	s := w.begin(ctx)
	cancel()
	if _, err := io.Copy(io.Discard, s); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	w.wantTidy()
}

func TestStoppingBreaksOffABackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(20)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- w.maker.Run(ctx) }()
	s := w.begin(t.Context())
	stop()
	if err := <-stopped; err != nil { // though nobody reads
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, s); !errors.Is(err, errStops) {
		t.Errorf("it ends with %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := w.maker.Start(t.Context(), []age.Recipient{w.identity.Recipient()}); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestBackupFailsAsAWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(5)
	if err := os.Remove(w.path("signing.key")); err != nil {
		t.Fatal(err)
	}
	s, err := w.maker.Start(t.Context(), []age.Recipient{w.identity.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	raw, err := io.ReadAll(s)
	if err == nil || !strings.Contains(err.Error(), "signing.key") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := w.verify(raw); !errors.Is(err, ErrRefused) {
		t.Errorf("what came of it: %v", err)
	}
	if _, err := w.maker.Start(t.Context(), nil); err == nil {
		t.Error("a backup for nobody")
	}
}

func TestKeysForPeople(t *testing.T) {
	t.Parallel()
	file, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	identities, err := ReadIdentities(strings.NewReader(file))
	if err != nil || len(identities) != 1 {
		t.Fatalf("%d identities, %v", len(identities), err)
	}
	if all, err := ParseRecipients([]string{recipient}); err != nil || len(all) != 1 {
		t.Errorf("%d recipients, %v", len(all), err)
	}
	for _, bad := range []string{"", "age1", "AGE-SECRET-KEY-1", recipient + "\n" + recipient, recipient[:40], "ssh-ed25519 AAAA"} {
		if _, err := ParseRecipients([]string{bad}); err == nil {
			t.Errorf("%q is a recipient", bad)
		}
	}
	for text, want := range map[string]string{
		"":                                       "no identity file",
		recipient:                                "no identity file",
		"age-encryption.org/v1\n-> scrypt":       "decrypt it first",
		"-----BEGIN AGE ENCRYPTED FILE-----\nxx": "decrypt it first",
	} {
		if _, err := ReadIdentities(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if secret := strings.Fields(file); strings.Contains(errText(ReadIdentities(strings.NewReader(secret[len(secret)-1][:50]))), "AGE-SECRET-KEY-1") {
		t.Error("an error tells a secret")
	}
}

func errText(_ []Identity, err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
