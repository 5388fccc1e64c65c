package homeserver_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
	"plenum/storage/storagetest"
)

// crowd is people who write to a server.
type crowd struct {
	people []*hstest.Client
	rooms  []id.RoomID
	said   []*diary
}

func newCrowd(s *hstest.Server, people int) *crowd {
	c := &crowd{}
	for i := range people {
		one := s.Client(fmt.Sprint("user", i))
		c.people, c.rooms, c.said = append(c.people, one), append(c.rooms, one.CreateRoom(hstest.Public)), append(c.said, &diary{})
	}
	return c
}

// write lets everybody write until more returns false.
func (c *crowd) write(more func() bool) {
	var group sync.WaitGroup
	for i, one := range c.people {
		group.Go(func() {
			random, noise := rand.NewChaCha8([32]byte{byte(i)}), make([]byte, 200)
			for more() {
				_, _ = random.Read(noise) // it never fails
				event := one.Say(c.rooms[i], hex.EncodeToString(noise))
				c.said[i].add(entry{room: c.rooms[i], event: event})
			}
		})
	}
	group.Wait()
}

// peakMemory returns the most memory in MiB that the process had since the
// last call, 0 where the system does not tell.
func peakMemory() string {
	raw, _ := os.ReadFile("/proc/self/status")
	peak := ""
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			peak = strings.TrimSpace(rest)
		}
	}
	runtime.GC()
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	return peak
}

// It needs minutes, and some gigabytes in the folder for temporary files.
func TestLargeServerIsBackedUpUnderLoad(t *testing.T) {
	const events, files = 100_000, 1000 // the files have a mebibyte each
	if os.Getenv("PLENUM_TEST_LARGE") == "" {
		t.Skip("set PLENUM_TEST_LARGE to 1: it needs minutes and gigabytes")
	}
	for _, from := range storagetest.Engines {
		s, v := hstest.New(t, hstest.Options{Engine: from}), newVault(t)
		c := newCrowd(s, 32)
		start := time.Now()
		var n atomic.Int64
		c.write(func() bool { return n.Add(1) <= events })
		random, content := rand.NewChaCha8([32]byte{99}), make([]byte, 1<<20)
		for range files {
			_, _ = random.Read(content) // it never fails
			c.people[0].Upload("application/octet-stream", string(content))
		}
		t.Logf("%s: filled in %s", from, time.Since(start).Round(time.Second))

		before := make([]int, len(c.said))
		for i, d := range c.said {
			before[i] = len(d.all())
		}
		var stopped atomic.Bool
		var group sync.WaitGroup
		group.Go(func() { c.write(func() bool { return !stopped.Load() }) })
		peakMemory()
		start = time.Now()
		backup := v.take(s)
		took, peak := time.Since(start), peakMemory()
		stopped.Store(true)
		group.Wait()
		meanwhile := 0
		for i, d := range c.said {
			meanwhile += len(d.all()) - before[i]
		}
		info, err := os.Stat(backup)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: backup of %d MiB in %s, %d events written meanwhile; the whole process had %s", from, info.Size()>>20, took.Round(time.Millisecond), meanwhile, peak)
		s.Stop()

		for _, to := range storagetest.Engines {
			start = time.Now()
			there := v.restore(backup, v.elsewhere(s, to))
			t.Logf("%s to %s: restored and started in %s, with %s", from, to, time.Since(start).Round(time.Millisecond), peakMemory())
			c.wantKept(t, there, before)
			there.Stop()
		}
	}
}

// wantKept checks that a beginning of what everybody has said is there, and at
// least what had been acknowledged before.
func (c *crowd) wantKept(t *testing.T, there *hstest.Server, before []int) {
	t.Helper()
	for i, one := range c.people {
		found := map[id.EventID]bool{}
		for _, e := range allMessages(moved(one, there), c.rooms[i]) {
			found[id.EventID(e.Get("event_id").Str)] = true
		}
		all := c.said[i].all()
		kept := slices.IndexFunc(all, func(e entry) bool { return !found[e.event] })
		if kept < 0 {
			kept = len(all)
		}
		if kept < before[i] || len(found) != kept {
			t.Errorf("%s: %d of %d messages are there up to the first that is missing, %d in all", one.User, kept, before[i], len(found))
		}
	}
}
