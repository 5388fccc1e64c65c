package archive

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"plenum/storage"
	"plenum/storage/mediastore"
)

// largeTests, when set, lets tests run that need minutes and gigabytes.
const largeTests = "PLENUM_TEST_LARGE"

// memory is how much of it this process has, in MiB.
type memory struct{ t *testing.T }

// reset forgets the peak, and returns what there is now.
func (m memory) reset() int {
	runtime.GC()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		m.t.Skip(err)
	}
	return m.read("VmRSS:")
}

// peak returns the most that there was since then.
func (m memory) peak() int { return m.read("VmHWM:") }

func (m memory) read(name string) int {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		m.t.Skip(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				m.t.Fatal(err)
			}
			return n >> 10
		}
	}
	m.t.Skip("the system does not tell " + name)
	return 0
}

// fillLarge stores events of a usual size and files of a mebibyte.
func (w *world) fillLarge(events, files int) {
	w.t.Helper()
	ctx := w.t.Context()
	text, random := make([]byte, 600), rand.NewChaCha8([32]byte{2})
	for n := 0; n < events; {
		err := w.db.Write(ctx, func(tx *storage.Tx) error {
			for range 1000 {
				n++
				_, _ = random.Read(text[:300]) // it never fails
				if err := tx.Exec(ctx, `INSERT INTO event (pos, room, event_id, type, sender, json) VALUES ($1, $2, $3, 0, 0, $4)`,
					tx.Position(), n%100, fmt.Appendf(nil, "$%043d", n*7919), fmt.Appendf(nil, `{"n":%d,"text":"%x"}`, n, text)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	content, random := make([]byte, 1<<20), rand.NewChaCha8([32]byte{1})
	for n := range files {
		_, _ = random.Read(content) // it never fails
		w.uploadOnly(fmt.Sprint("m", n), content)
	}
}

// uploadOnly is upload without remembering the content.
func (w *world) uploadOnly(mediaID string, content []byte) {
	w.t.Helper()
	b, err := w.blobs.Create()
	if err != nil {
		w.t.Fatal(err)
	}
	defer b.Discard()
	if _, err := b.Write(content); err != nil {
		w.t.Fatal(err)
	}
	id, err := b.Seal()
	if err == nil {
		_, err = w.media.Add(w.t.Context(), mediastore.Item{Origin: "one.example", ID: mediaID},
			mediastore.Blob{Hash: id.Hash(), File: string(id), Size: int64(len(content))}, 0)
	}
	if err == nil {
		err = w.blobs.Place(id)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// maxMemory is what a step may need in MiB besides what the server has
// already. Most of it is the page cache of SQLite, which takes up to 64 MiB.
const maxMemory = 112

// measure makes a backup of a server of a size, verifies it and restores it.
func measure(t *testing.T, from, to storage.Engine, events, files int) {
	w := newWorld(t, from)
	w.fillLarge(events, files)
	path := filepath.Join(t.TempDir(), "backup.age")
	step := func(what string, fn func() error) {
		m := memory{t}
		before, start := m.reset(), time.Now()
		if err := fn(); err != nil {
			t.Fatal(err)
		}
		more := m.peak() - before
		t.Logf("%s to %s, %d events, %d MiB of files: %s took %s and %d MiB of memory besides %d", from, to, events, files, what, time.Since(start).Round(time.Millisecond), more, before)
		if more > maxMemory {
			t.Errorf("%s needs %d MiB of memory", what, more)
		}
	}
	identities := []age.Identity{w.identity}
	step("backup", func() error {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		s, err := w.maker.Start(t.Context(), []age.Recipient{w.identity.Recipient()})
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, s); err != nil {
			return err
		}
		return f.Close()
	})
	var report Report
	step("verify", func() error {
		f, err := os.Open(path)
		if err == nil {
			report, err = Verify(t.Context(), f, identities)
		}
		return err
	})
	if report.Rows["event"] != int64(events) || report.Media.Blobs != int64(files) || report.Damaged != 0 {
		t.Errorf("report %v, %+v", report.Rows["event"], report.Media)
	}
	step("restore", func() error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		place, err := Claim(t.Context(), newTarget(t, to))
		if err != nil {
			return err
		}
		return place.Restore(t.Context(), f, identities, report, nil)
	})
}

// It needs minutes and some gigabytes in the folder for temporary files.
func TestMemoryDoesNotGrowWithTheServer(t *testing.T) {
	if os.Getenv(largeTests) == "" {
		t.Skip("set " + largeTests + " to 1: it needs minutes and gigabytes")
	}
	for _, e := range []struct{ from, to storage.Engine }{{storage.SQLite, storage.Postgres}, {storage.Postgres, storage.SQLite}, {storage.SQLite, storage.SQLite}} {
		measure(t, e.from, e.to, 10_000, 100)
		measure(t, e.from, e.to, 100_000, 1000)
	}
}
