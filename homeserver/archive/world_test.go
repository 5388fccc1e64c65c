package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/blob"
	"plenum/storage/dump"
	"plenum/storage/mediastore"
	"plenum/storage/storagetest"
)

// world is a server to be backed up, without anything but what a backup needs.
type world struct {
	t        *testing.T
	db       *storage.DB
	blobs    *blob.Store
	media    *mediastore.Store
	maker    *Maker
	dir      string
	identity *age.X25519Identity
	contents map[blob.ID][]byte
}

const settingsText = "server_name = \"one.example\"\n"

func newWorld(t *testing.T, e storage.Engine) *world {
	t.Helper()
	w := &world{t: t, db: storagetest.Open(t, e), dir: t.TempDir(), contents: map[blob.ID][]byte{}}
	w.identity = newIdentity(t)
	if err := event.CreateKey(w.path("signing.key")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path("plenum.toml"), []byte(settingsText), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.blobs, err = blob.Open(w.path("media"), w.path("media.key")); err != nil {
		t.Fatal(err)
	}
	w.media = mediastore.New(w.db)
	w.maker = NewMaker(Source{
		DB: w.db, Blobs: w.blobs, Media: w.media, ServerName: "one.example", Program: "test", Folder: w.dir,
		SigningKeyFile: w.path("signing.key"), MediaKeyFile: w.path("media.key"), SettingsFile: w.path("plenum.toml"),
	}, slog.New(slog.DiscardHandler))
	return w
}

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// fill stores events, accounts, keys and files.
func (w *world) fill(n int) {
	w.t.Helper()
	ctx := w.t.Context()
	for i := range n {
		err := w.db.Write(ctx, func(tx *storage.Tx) error {
			if err := tx.Exec(ctx, `INSERT INTO account (user_id, created) VALUES ($1, 0)`, fmt.Sprintf("@user%d:one.example", i)); err != nil {
				return err
			}
			if err := tx.Exec(ctx, `INSERT INTO one_time_key (user_id, device_id, algorithm, key_id, seq, json) VALUES ($1, 'D', 'a', 'k', 1, $2)`,
				fmt.Sprintf("@user%d:one.example", i), []byte(`{}`)); err != nil {
				return err
			}
			return tx.Exec(ctx, `INSERT INTO event (pos, room, event_id, type, sender, json) VALUES ($1, 1, $2, 0, 0, $3)`,
				tx.Position(), fmt.Append(nil, "$", i), fmt.Appendf(nil, `{"text":"%d%0500d"}`, i, i))
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for i := range n / 5 {
		w.upload(fmt.Sprint("m", i), bytes.Repeat(fmt.Append(nil, i, " "), 1+i*i*1500))
	}
}

// upload stores a file.
func (w *world) upload(mediaID string, content []byte) blob.ID {
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
	if err != nil {
		w.t.Fatal(err)
	}
	item := mediastore.Item{Origin: "one.example", ID: mediaID, Uploader: "@ada:one.example"}
	if _, err := w.media.Add(w.t.Context(), item, mediastore.Blob{Hash: id.Hash(), File: string(id), Size: int64(len(content))}, 0); err != nil {
		w.t.Fatal(err)
	}
	if err := w.blobs.Place(id); err != nil {
		w.t.Fatal(err)
	}
	w.contents[id] = content
	return id
}

// backup makes a backup.
func (w *world) backup() []byte {
	w.t.Helper()
	s, err := w.maker.Start(w.t.Context(), []age.Recipient{w.identity.Recipient()})
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	raw, err := io.ReadAll(s)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func (w *world) verify(backup []byte) (Report, error) {
	return Verify(w.t.Context(), bytes.NewReader(backup), []age.Identity{w.identity})
}

// newTarget names an empty place.
func newTarget(t *testing.T, e storage.Engine) Target {
	t.Helper()
	dir := t.TempDir()
	target := Target{
		Database: storagetest.Empty(t, e), Folder: filepath.Join(dir, "data"), MediaFolder: filepath.Join(dir, "data", "media"),
		SigningKeyFile: filepath.Join(dir, "keys", "signing.key"), MediaKeyFile: filepath.Join(dir, "keys", "media.key"),
	}
	if e == storage.SQLite {
		target.Database.DSN = filepath.Join(target.Folder, "plenum.db")
	}
	return target
}

// restore restores a backup that is whole.
func (w *world) restore(target Target, backup []byte) error {
	w.t.Helper()
	report, err := w.verify(backup)
	if err != nil {
		return err
	}
	return w.second(target, backup, report)
}

// second does what comes after the first reading.
func (w *world) second(target Target, backup []byte, report Report) error {
	w.t.Helper()
	place, err := Claim(w.t.Context(), target)
	if err != nil {
		return err
	}
	return place.Restore(w.t.Context(), bytes.NewReader(backup), []age.Identity{w.identity}, report,
		map[string]string{filepath.Join(filepath.Dir(target.Folder), "old.toml"): OldSettings})
}

// wantNothing checks that nothing at all is at the target.
func wantNothing(t *testing.T, target Target) {
	t.Helper()
	if found, err := storage.Peek(t.Context(), target.Database); err != nil || !found.Empty {
		t.Errorf("in the database: %+v, %v", found, err)
	}
	err := filepath.WalkDir(filepath.Dir(target.Folder), func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != filepath.Dir(target.Folder) {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// rowsOf returns digests of all tables of a database.
func rowsOf(t *testing.T, db *storage.DB) map[string]dump.Digest {
	t.Helper()
	var tables []dump.Table
	all := map[string]dump.Digest{}
	err := dump.Read(t.Context(), db, func(s dump.Schema) error {
		tables = s.Tables
		return nil
	}, func(table int, row []byte) error {
		d := all[tables[table].Name]
		d.Add(row)
		all[tables[table].Name] = d
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantRestored checks that everything of w is at the target.
func (w *world) wantRestored(target Target) *storage.DB {
	w.t.Helper()
	db := storagetest.Reopen(w.t, target.Database)
	have, want := rowsOf(w.t, db), rowsOf(w.t, w.db)
	for _, changed := range []string{"clock", "meta", "one_time_key"} {
		delete(have, changed)
		delete(want, changed)
	}
	if !maps.Equal(have, want) {
		w.t.Errorf("rows %v, want %v", have, want)
	}
	blobs, err := blob.Open(target.MediaFolder, target.MediaKeyFile)
	if err != nil {
		w.t.Fatal(err)
	}
	for id, want := range w.contents {
		r, err := blobs.Open(id)
		if err != nil {
			w.t.Errorf("file of %d bytes: %v", len(want), err)
			continue
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			w.t.Errorf("file of %d bytes: %d came back, %v", len(want), len(got), err)
		}
		_ = r.Close()
	}
	for _, name := range []string{"signing.key", "media.key"} {
		have, _ := os.ReadFile(filepath.Join(filepath.Dir(target.SigningKeyFile), name))
		want, _ := os.ReadFile(w.path(name))
		if !bytes.Equal(have, want) || len(have) == 0 {
			w.t.Errorf("%s is %q, want %q", name, have, want)
		}
	}
	left, err := contents(target.Folder)
	slices.Sort(left)
	if err != nil || slices.ContainsFunc(left, func(n string) bool { return n != "media" && !strings.HasPrefix(n, "plenum.db") }) {
		w.t.Errorf("left in the folder: %v, %v", left, err)
	}
	return db
}

// plain decrypts a backup.
func (w *world) plain(backup []byte) []byte {
	w.t.Helper()
	r, err := age.Decrypt(bytes.NewReader(backup), w.identity)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// encrypt is what whoever knows the public key can do.
func (w *world) encrypt(plain []byte) []byte {
	w.t.Helper()
	var out bytes.Buffer
	c, err := age.Encrypt(&out, w.identity.Recipient())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := c.Write(plain); err != nil {
		w.t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		w.t.Fatal(err)
	}
	return out.Bytes()
}

// each runs fn for each engine.
func each(t *testing.T, fn func(t *testing.T, e storage.Engine)) {
	t.Helper()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			fn(t, e)
		})
	}
}

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
