package archive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"plenum/storage"
	"plenum/storage/blob"
	"plenum/storage/storagetest"
)

func TestBackupIsRestoredOnEitherEngine(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, from storage.Engine) {
		w := newWorld(t, from)
		w.fill(40)
		backup := w.backup()
		report, err := w.verify(backup)
		if err != nil {
			t.Fatal(err)
		}
		if report.Server != "one.example" || report.Rows["account"] != 40 || report.Media.Blobs != 8 || report.Damaged != 0 ||
			report.Media.Lost+report.Media.Deleted != 0 || !report.HasSettings || !strings.HasPrefix(report.SigningKey, "ed25519:p_") {
			t.Errorf("report %+v", report)
		}
		for _, to := range storagetest.Engines {
			target := newTarget(t, to)
			if err := w.restore(target, backup); err != nil {
				t.Fatal(err)
			}
			db := w.wantRestored(target)
			if pos := db.Committed(); pos != w.db.Committed()+leap {
				t.Errorf("the clock says %d, before %d", pos, w.db.Committed())
			}
			if n := rowsOf(t, db)["one_time_key"].Rows; n != 0 {
				t.Errorf("%d one-time keys would be given out again", n)
			}
			old, err := os.ReadFile(filepath.Join(filepath.Dir(target.Folder), "old.toml"))
			if err != nil || string(old) != settingsText {
				t.Errorf("settings %q, %v", old, err)
			}
			if err := target.Check(t.Context()); !errors.Is(err, ErrNotEmpty) {
				t.Errorf("restored over it: %v", err)
			}
		}
	})
}

func TestNothingReadableIsInABackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(10)
	backup, plain := w.backup(), w.plain(w.backup())
	if !bytes.Contains(plain, []byte("one.example")) {
		t.Fatal("the name is not even in what was encrypted")
	}
	for _, secret := range []string{"one.example", "ed25519", "AGE-SECRET", "account"} {
		if bytes.Contains(backup, []byte(secret)) {
			t.Errorf("%q can be read", secret)
		}
	}
}

// cuts are lengths to cut a backup to: around every end of a chunk of age, many
// near both ends, and many in between.
func cuts(size int) []int {
	var all []int
	for n := 0; n < size; n += 64<<10 + 16 {
		for d := -20; d <= 240; d += 13 {
			all = append(all, n+d)
		}
	}
	for n := range 60 {
		all = append(all, n*7, size-1-n)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		all = append(all, random.IntN(size))
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(n int) bool { return n < 0 || n >= size })
}

func TestCutOffIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(40)
	backup := w.backup()
	if len(backup) < 200_000 {
		t.Fatalf("%d bytes are too few for this test", len(backup))
	}
	for _, n := range cuts(len(backup)) {
		if _, err := w.verify(backup[:n]); !errors.Is(err, ErrRefused) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(backup), err)
		}
	}
	if _, err := w.verify(append(slices.Clone(backup), 0)); !errors.Is(err, ErrRefused) {
		t.Errorf("one byte longer: %v", err)
	}
}

func TestAlteredIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(40)
	backup := w.backup()
	random := rand.New(rand.NewPCG(5, 6))
	for i := range 400 {
		n := i
		if i >= 150 { // the header is the first 200 bytes
			n = random.IntN(len(backup))
		}
		bit := byte(1) << random.IntN(8)
		backup[n] ^= bit
		if _, err := w.verify(backup); !errors.Is(err, ErrRefused) && !errors.Is(err, ErrIdentity) {
			t.Errorf("bit %x of byte %d: %v", bit, n, err)
		}
		backup[n] ^= bit
	}
	const chunk = 64<<10 + 16
	header := len(backup) % chunk // near enough: whatever is exchanged, it is out of order
	swapped := slices.Clone(backup)
	copy(swapped[header:header+chunk], backup[header+chunk:header+2*chunk])
	copy(swapped[header+chunk:header+2*chunk], backup[header:header+chunk])
	if _, err := w.verify(swapped); !errors.Is(err, ErrRefused) {
		t.Errorf("two chunks exchanged: %v", err)
	}
	if _, err := w.verify(backup); err != nil {
		t.Errorf("unaltered: %v", err)
	}
}

// A backup may change after it was verified, or its disk fail.
func TestWhateverFailsLaterIsUndone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e storage.Engine) {
		w := newWorld(t, storage.SQLite)
		w.fill(40)
		backup := w.backup()
		report, err := w.verify(backup)
		if err != nil {
			t.Fatal(err)
		}
		target := newTarget(t, e)
		for part := range 8 {
			n := 300 + part*(len(backup)-300)/8
			if err := w.second(target, backup[:n], report); !errors.Is(err, ErrRefused) {
				t.Errorf("cut to %d bytes: %v", n, err)
			}
			wantNothing(t, target)
		}
		w.upload("another", []byte("another"))
		if err := w.second(target, w.backup(), report); !errors.Is(err, errChanged) {
			t.Errorf("another backup: %v", err)
		}
		wantNothing(t, target)

		broken := errors.New("the disk fails")
		for _, n := range []int{0, 100, len(backup) / 2, len(backup) - 1} {
			place, err := Claim(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			r := io.MultiReader(bytes.NewReader(backup[:n]), failing{broken})
			if err := place.Restore(t.Context(), r, []age.Identity{w.identity}, report, nil); !errors.Is(err, broken) {
				t.Errorf("failing after %d bytes: %v", n, err)
			}
			wantNothing(t, target)
		}
		if err := w.restore(target, backup); err != nil {
			t.Fatalf("after all that: %v", err)
		}
	})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestEndedContextEndsARestore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e storage.Engine) {
		w := newWorld(t, storage.SQLite)
		w.fill(40)
		backup := w.backup()
		report, err := w.verify(backup)
		if err != nil {
			t.Fatal(err)
		}
		target := newTarget(t, e)
		for part := range 6 {
			ctx, cancel := context.WithCancel(t.Context())
			place, err := Claim(ctx, target)
			if err != nil {
				t.Fatal(err)
			}
			r := &reading{r: bytes.NewReader(backup), at: part * len(backup) / 5, then: cancel}
			if err := place.Restore(ctx, r, []age.Identity{w.identity}, report, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("ended at %d bytes: %v", r.at, err)
			}
			wantNothing(t, target)
		}
		if _, err := Verify(ended(), bytes.NewReader(backup), []age.Identity{w.identity}); !errors.Is(err, context.Canceled) {
			t.Errorf("verify: %v", err)
		}
	})
}

// reading calls a function when it has read so many bytes, or is at the end.
type reading struct {
	r    io.Reader
	n    int
	at   int
	then func()
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.n += n; r.n >= r.at || err != nil {
		r.then()
	}
	return n, err
}

func TestOnlyTheRightIdentityReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(5)
	other := newIdentity(t)
	if _, err := Verify(t.Context(), bytes.NewReader(w.backup()), []age.Identity{other}); !errors.Is(err, ErrIdentity) {
		t.Errorf("another identity: %v", err)
	}
	s, err := w.maker.Start(t.Context(), []age.Recipient{w.identity.Recipient(), other.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	both, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, identity := range []age.Identity{w.identity, other} {
		if _, err := Verify(t.Context(), bytes.NewReader(both), []age.Identity{identity}); err != nil {
			t.Errorf("one of two: %v", err)
		}
	}
}

func TestTargetMustBeEmpty(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e storage.Engine) {
		w := newWorld(t, storage.SQLite)
		w.fill(5)
		backup := w.backup()
		refused := func(what string, target Target, path string) {
			t.Helper()
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := w.restore(target, backup); !errors.Is(err, ErrNotEmpty) {
				t.Errorf("%s: %v", what, err)
			}
			if text, err := os.ReadFile(path); string(text) != "mine" {
				t.Errorf("%s: it is gone: %q, %v", what, text, err)
			}
			if found, err := storage.Peek(t.Context(), target.Database); err != nil || !found.Empty {
				t.Errorf("%s: in the database: %+v, %v", what, found, err)
			}
		}
		target := newTarget(t, e)
		refused("a file in the folder", target, filepath.Join(target.Folder, "notes"))
		target = newTarget(t, e)
		refused("another signing key", target, target.SigningKeyFile)
		target = newTarget(t, e)
		refused("another media key", target, target.MediaKeyFile)

		target = newTarget(t, e)
		target.Database = storagetest.Config(t, e)
		storagetest.Reopen(t, target.Database)
		if err := w.restore(target, backup); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("a database with tables: %v", err)
		}

		target = newTarget(t, e)
		for _, path := range []string{target.MediaKeyFile, filepath.Join(target.Folder, "lost+found", "x")} {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		key, err := os.ReadFile(w.path("media.key"))
		if err == nil {
			err = os.WriteFile(target.MediaKeyFile, key, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := w.restore(target, backup); err != nil {
			t.Errorf("the same key, and what a file system has of its own: %v", err)
		}
	})
}

func TestTwoCannotRestoreToOnePlace(t *testing.T) {
	t.Parallel()
	target := newTarget(t, storage.SQLite)
	place, err := Claim(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Claim(t.Context(), target); !errors.Is(err, storage.ErrInUse) {
		t.Errorf("a second one: %v", err)
	}
	if err := place.Undo(); err != nil {
		t.Fatal(err)
	}
	wantNothing(t, target)
}

// The last steps of a restore are two: the database is finished, and then the
// marker goes.
func TestInterruptedBetweenTheLastSteps(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e storage.Engine) {
		w := newWorld(t, storage.SQLite)
		w.fill(10)
		backup := w.backup()
		report, err := w.verify(backup)
		if err != nil {
			t.Fatal(err)
		}
		target := newTarget(t, e)
		if err := w.second(target, backup, report); err != nil {
			t.Fatal(err)
		}
		marker := filepath.Join(target.Folder, Marker)
		for name, text := range map[string]string{"of another backup": strings.Repeat("0", 64), "": report.end.SHA256} {
			if err := os.WriteFile(marker, []byte(markerText+"backup "+text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Claim(t.Context(), target)
			if name == "" {
				if !errors.Is(err, ErrComplete) {
					t.Errorf("got %v", err)
				}
				break
			}
			if e == storage.Postgres && !errors.Is(err, ErrNotEmpty) { // a folder can be deleted, not somebody's database
				t.Errorf("%s: got %v", name, err)
			}
			if e == storage.SQLite {
				return
			}
		}
		w.wantRestored(target)
	})
}

func TestBlobsThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storage.SQLite)
	w.fill(30)
	lost, damaged, short, deleted := w.upload("lost", []byte("lost")), w.upload("damaged", []byte("damaged")),
		w.upload("short", make([]byte, 1000)), w.upload("deleted", []byte("deleted"))
	path := func(id blob.ID) string { return filepath.Join(w.path("media"), string(id[:2]), string(id)) }
	raw, err := os.ReadFile(path(damaged))
	if err == nil {
		raw[len(raw)-1] ^= 1
		err = errors.Join(os.Remove(path(lost)), os.WriteFile(path(damaged), raw, 0o600), os.Truncate(path(short), 100))
	}
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	b, err := newBackup(w.maker.source, &plain, time.UnixMilli(1))
	if err != nil {
		t.Fatal(err)
	}
	defer b.list.close()
	if err := b.database(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.media.Delete(t.Context(), "one.example", "deleted"); err != nil {
		t.Fatal(err)
	}
	if err := w.blobs.Remove(deleted); err != nil {
		t.Fatal(err)
	}
	later := w.upload("later", []byte("later"))
	if err := b.media(t.Context()); err != nil {
		t.Fatal(err)
	}
	backup := w.encrypt(plain.Bytes())
	report, err := w.verify(backup)
	if err != nil {
		t.Fatal(err)
	}
	want := report.Media
	want.Blobs, want.Deleted, want.Lost = 6+2, 1, 1
	if report.Media != want || report.Damaged != 2 || !slices.Contains(report.DamagedOf, damaged) || !slices.Contains(report.DamagedOf, short) {
		t.Errorf("report %+v, %d damaged: %v", report.Media, report.Damaged, report.DamagedOf)
	}
	target := newTarget(t, storage.SQLite)
	if err := w.second(target, backup, report); err != nil {
		t.Fatalf("the rest cannot be had: %v", err)
	}
	for _, id := range []blob.ID{lost, damaged, short, deleted, later} {
		delete(w.contents, id)
	}
	blobs, err := blob.Open(target.MediaFolder, target.MediaKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	for id := range w.contents {
		if r, err := blobs.Open(id); err != nil {
			t.Errorf("a blob that was whole: %v", err)
		} else {
			_ = r.Close()
		}
	}
}
