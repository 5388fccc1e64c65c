package homeserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"maunium.net/go/mautrix/id"

	"plenum/config"
	"plenum/homeserver"
	"plenum/homeserver/archive"
	"plenum/homeserver/hstest"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// vault keeps backups.
type vault struct {
	t        *testing.T
	identity *age.X25519Identity
}

func newVault(t *testing.T) vault {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return vault{t, identity}
}

// take makes a backup of a server while it runs, and returns its file.
func (v vault) take(s *hstest.Server) string {
	v.t.Helper()
	f, err := os.Create(filepath.Join(v.t.TempDir(), "backup.age"))
	if err != nil {
		v.t.Fatal(err)
	}
	made, err := s.Admin().Backup(v.t.Context(), []string{v.identity.Recipient().String()}, f)
	if err := errors.Join(err, f.Close()); err != nil {
		v.t.Fatal(err)
	}
	if made.ServerName != s.Name() || made.Lost+made.Deleted != 0 {
		v.t.Errorf("made %+v", made)
	}
	return f.Name()
}

// elsewhere are the settings of s for an empty machine.
func (v vault) elsewhere(s *hstest.Server, e storage.Engine) config.Config {
	v.t.Helper()
	dir := v.t.TempDir()
	cfg := s.Config()
	cfg.DataFolder = filepath.Join(dir, "data")
	cfg.SigningKeyFile = filepath.Join(dir, "keys", "signing.key")
	cfg.Media.KeyFile = filepath.Join(dir, "keys", "media.key")
	cfg.Database.URL = ""
	if e == storage.Postgres {
		cfg.Database.URL = storagetest.Empty(v.t, e).DSN
	}
	return cfg
}

// restore restores a backup to an empty machine and starts the server there.
func (v vault) restore(path string, cfg config.Config) *hstest.Server {
	v.t.Helper()
	f, err := os.Open(path)
	if err != nil {
		v.t.Fatal(err)
	}
	defer f.Close()
	done, err := homeserver.Restore(v.t.Context(), cfg, f, []age.Identity{v.identity})
	if err != nil {
		v.t.Fatal(err)
	}
	if done.Again || done.Complete || done.Server != cfg.ServerName {
		v.t.Errorf("restored %+v", done)
	}
	return hstest.New(v.t, hstest.Options{Configure: func(c *config.Config) { *c = cfg }})
}

// moved returns somebody who goes on with the same device on another server.
func moved(c *hstest.Client, s *hstest.Server) *hstest.Client {
	there := s.Nobody()
	there.User, there.Device, there.Token, there.Since = c.User, c.Device, c.Token, c.Since
	return there
}

// say sends a message under a transaction id of its own.
func say(c *hstest.Client, room id.RoomID, txn, text string) id.EventID {
	answer := c.Put(hstest.Path(v3, "rooms", room, "send", "m.room.message", txn), hstest.More{"msgtype": "m.text", "body": text})
	return id.EventID(answer.Get("event_id").Str)
}

// acrossEngines runs fn for each way between the engines.
func acrossEngines(t *testing.T, fn func(t *testing.T, s *hstest.Server, to storage.Engine)) {
	t.Helper()
	for _, from := range storagetest.Engines {
		for _, to := range storagetest.Engines {
			t.Run(from.String()+" to "+to.String(), func(t *testing.T) {
				t.Parallel()
				fn(t, hstest.New(t, hstest.Options{Engine: from}), to)
			})
		}
	}
}

func TestLifeGoesOnAfterARestore(t *testing.T) {
	t.Parallel()
	acrossEngines(t, func(t *testing.T, s *hstest.Server, to storage.Engine) {
		v := newVault(t)
		ada, bob := s.Client("ada"), s.Client("bob")
		room := ada.CreateRoom(hstest.Private, hstest.More{"name": "Kitchen"})
		ada.Invite(room, bob)
		bob.Join(room)
		for _, c := range []*hstest.Client{ada, bob} {
			c.Post(v3+"/keys/upload", hstest.More{
				"device_keys": deviceKeys(t, c.User, c.Device), "one_time_keys": oneTimeKeys("a", "b"),
				"fallback_keys": oneTimeKeys("last"),
			})
		}
		ada.Put(hstest.Path(v3, "user", ada.User, "account_data", "m.custom"), hstest.More{"x": "y"})
		picture := ada.Upload("text/plain", strings.Repeat("a picture ", 50_000))
		first := ada.Say(room, "hello")
		read := ada.Say(room, "before")
		bob.Read(room, read)
		bob.Sync()
		sendTo(ada, "t1", bob.User, bob.Device, "a secret")
		backup := v.take(s)

		// What happens after the backup is lost, but not forgotten by those who
		// saw it.
		ada.Say(room, "lost")
		if got := texts(bob.Sync().Get("to_device.events")); !slices.Equal(got, []string{"a secret"}) {
			t.Errorf("sent from device to device: %q", got)
		}
		late := s.Client("late")
		s.Stop()

		there := v.restore(backup, v.elsewhere(s, to))
		ada, bob = moved(ada, there), moved(bob, there)
		if said, want := ada.Said(room), []string{"hello", "before"}; !slices.Equal(said, want) {
			t.Errorf("said %q, want %q", said, want)
		}
		if got := bob.Download(picture); len(got) != 500_000 {
			t.Errorf("the picture has %d bytes", len(got))
		}
		if got := ada.Get(hstest.Path(v3, "user", ada.User, "account_data", "m.custom")).Get("x").Str; got != "y" {
			t.Errorf("account data %q", got)
		}
		if again := say(ada, room, "t1", "hello"); again != first {
			t.Errorf("the same request as before the backup makes %s, want %s", again, first)
		}
		said := say(ada, room, "new", "after")
		seen := bob.Until("the message after the restore", func(a hstest.JSON) bool {
			return slices.ContainsFunc(hstest.Timeline(a, room), func(e hstest.JSON) bool { return e.Get("event_id").Str == string(said) })
		})
		if n := seen.Get("device_one_time_keys_count.signed_curve25519").Int(); n != 0 {
			t.Errorf("%d one-time keys are still there, which may have been given out since", n)
		}
		if unused := seen.Get("device_unused_fallback_key_types").Array(); len(unused) != 0 {
			t.Errorf("fallback keys %v need no renewal", unused)
		}
		var changed []string
		for _, u := range seen.Get("device_lists.changed").Array() {
			changed = append(changed, u.Str)
		}
		if !slices.Contains(changed, string(ada.User)) {
			t.Errorf("devices of %v are to be looked up again, want those of %s too", changed, ada.User)
		}
		if got := texts(seen.Get("to_device.events")); len(got) != 0 {
			t.Errorf("messages that had arrived come again: %q", got)
		}
		if devices := devicesOf(ada, bob.User); !slices.Equal(devices, []string{string(bob.Device)}) {
			t.Errorf("devices %v", devices)
		}
		moved(late, there).Refused("M_UNKNOWN_TOKEN").Sync()
		if there.Client("late").User != late.User {
			t.Error("the name is not free")
		}
		there.Restart()
		if said, want := bob.Said(room), []string{"hello", "before", "after"}; !slices.Equal(said, want) {
			t.Errorf("after one more start: said %q, want %q", said, want)
		}
	})
}

// diary is what somebody has done on a server, in order, each thing only when
// the one before was acknowledged.
type diary struct {
	mu   sync.Mutex
	done []entry
}

type entry struct {
	room  id.RoomID
	event id.EventID
	file  string
}

func (d *diary) add(e entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = append(d.done, e)
}

func (d *diary) all() []entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.done)
}

func TestBackupUnderLoadIsOneMoment(t *testing.T) {
	t.Parallel()
	acrossEngines(t, func(t *testing.T, s *hstest.Server, to storage.Engine) {
		v := newVault(t)
		const writers = 4
		people, diaries := make([]*hstest.Client, writers), make([]*diary, writers)
		rooms := make([][]id.RoomID, writers)
		for i := range people {
			people[i], diaries[i] = s.Client(fmt.Sprint("user", i)), &diary{}
			rooms[i] = []id.RoomID{people[i].CreateRoom(hstest.Public), people[i].CreateRoom(hstest.Public)}
		}
		stop, warm := make(chan struct{}), make(chan struct{}, writers)
		var group sync.WaitGroup
		for i, c := range people {
			group.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					room := rooms[i][n%2]
					e := entry{room: room, file: c.Upload("text/plain", fmt.Sprintf("file %d of %d", n, i))}
					e.event = c.SendEvent(room, "m.room.message", hstest.More{"msgtype": "m.file", "body": "file", "url": e.file})
					diaries[i].add(e)
					if n == 5 {
						warm <- struct{}{}
					}
				}
			})
		}
		for range people {
			<-warm
		}
		var acknowledged [writers]int
		for i, d := range diaries {
			acknowledged[i] = len(d.all())
		}
		backup := v.take(s)
		close(stop)
		group.Wait()
		s.Stop()

		there := v.restore(backup, v.elsewhere(s, to))
		for i, c := range people {
			c = moved(c, there)
			found := map[id.EventID]bool{}
			for _, room := range rooms[i] {
				for _, e := range allMessages(c, room) {
					found[id.EventID(e.Get("event_id").Str)] = true
				}
			}
			n := 0
			for _, e := range diaries[i].all() { // a beginning of it, and nothing behind a gap
				if !found[e.event] {
					break
				}
				n++
				delete(found, e.event)
				if got := c.Download(e.file); !strings.HasPrefix(got, "file ") {
					t.Errorf("file %s is %q", e.file, got)
				}
			}
			if n < acknowledged[i] {
				t.Errorf("%d of %d messages that were acknowledged before", n, acknowledged[i])
			}
			for event := range found {
				if slices.ContainsFunc(diaries[i].all(), func(e entry) bool { return e.event == event }) {
					t.Errorf("%s is there, but not what came before it", event)
				}
			}
		}
	})
}

// allMessages returns the messages of a room.
func allMessages(c *hstest.Client, room id.RoomID) (all []hstest.JSON) {
	from := ""
	for {
		answer := c.Get(hstest.Path(v3, "rooms", room, "messages") + "?dir=b&limit=100" + from)
		for _, e := range answer.Get("chunk").Array() {
			if e.Get("type").Str == "m.room.message" {
				all = append(all, e)
			}
		}
		if !answer.Get("end").Exists() {
			return all
		}
		from = "&from=" + answer.Get("end").Str
	}
}

func TestNothingIsWrittenForABackupThatIsRefused(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	v := newVault(t)
	ada := s.Client("ada")
	room := ada.CreateRoom(hstest.Public)
	ada.Upload("text/plain", strings.Repeat("x", 100_000))
	ada.Say(room, "hello")
	backup, err := os.ReadFile(v.take(s))
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.Clone(backup)
	altered[len(altered)/2] ^= 1
	for _, e := range storagetest.Engines {
		cfg := v.elsewhere(s, e)
		for name, text := range map[string][]byte{"cut off": backup[:len(backup)-30], "altered": altered, "empty": nil} {
			for _, pipe := range []bool{false, true} {
				_, err := homeserver.Restore(t.Context(), cfg, input(t, text, pipe), []age.Identity{v.identity})
				if !errors.Is(err, archive.ErrRefused) {
					t.Errorf("%s, pipe %t: %v", name, pipe, err)
				}
				left, _ := filepath.Glob(filepath.Join(filepath.Dir(cfg.DataFolder), "*"))
				found, err := storage.Peek(t.Context(), storage.Config{DSN: cfg.DSN()})
				if len(left) > 0 || err != nil || !found.Empty {
					t.Errorf("%s, pipe %t: left %v, %+v, %v", name, pipe, left, found, err)
				}
			}
		}
		other := cfg
		other.ServerName = "two.example"
		if _, err := homeserver.Restore(t.Context(), other, input(t, backup, false), []age.Identity{v.identity}); err == nil || !strings.Contains(err.Error(), `"one.example"`) {
			t.Errorf("as another server: %v", err)
		}
		if _, err := homeserver.Restore(t.Context(), cfg, input(t, backup, true), []age.Identity{v.identity}); err != nil {
			t.Errorf("whole, through a pipe: %v", err)
		}
	}
}

// input returns a file or a pipe with some content.
func input(t *testing.T, text []byte, pipe bool) *os.File {
	t.Helper()
	if pipe {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.Copy(w, bytes.NewReader(text)) // the reader may have seen enough
			_ = w.Close()
		}()
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	path := filepath.Join(t.TempDir(), "backup.age")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestHalfRestoredServerDoesNotStart(t *testing.T) {
	t.Parallel()
	s := hstest.New(t, hstest.Options{})
	cfg := newVault(t).elsewhere(s, storage.SQLite)
	_, err := archive.Claim(t.Context(), archive.Target{Database: storage.Config{DSN: cfg.DSN()}, Folder: cfg.DataFolder, MediaFolder: filepath.Join(cfg.DataFolder, "media")})
	if err != nil {
		t.Fatal(err)
	}
	if hs, err := homeserver.New(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "half restored") {
		t.Errorf("it starts: %v", err)
		if err == nil {
			_ = hs.Close()
		}
	}
	if !slices.ContainsFunc(homeserver.Check(t.Context(), cfg), func(f homeserver.Finding) bool {
		return f.Problem && strings.Contains(f.Text, "half restored")
	}) {
		t.Error("plenum check has nothing to say about it")
	}
}
