package backup_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee/backup"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

const ada = id.UserID("@ada:one.example")

func key(t *testing.T, room id.RoomID, session id.SessionID, first, forwarded int, verified bool) backup.Session {
	t.Helper()
	raw := fmt.Sprintf(`{"first_message_index":%d,"forwarded_count":%d,"is_verified":%t,"session_data":{"n":%d}}`, first, forwarded, verified, first)
	s, err := backup.ParseSession(room, session, json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheBetterKeyStays(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		b, ctx := backup.New(db), t.Context()
		version, err := b.Create(ctx, ada, "m.test", json.RawMessage(`{"a":1}`))
		if err != nil {
			t.Fatal(err)
		}
		put := func(first, forwarded int, verified bool) backup.State {
			t.Helper()
			state, err := b.Put(ctx, ada, version, []backup.Session{key(t, "!a", "s", first, forwarded, verified)})
			if err != nil || state.Count != 1 {
				t.Fatalf("%+v, %v", state, err)
			}
			return state
		}
		first := put(5, 5, false)
		for _, worse := range []backup.State{put(5, 5, false), put(6, 0, false), put(5, 6, false)} {
			if worse != first {
				t.Error("a worse key replaced the first")
			}
		}
		for _, c := range []struct {
			first, forwarded int
			verified         bool
		}{{5, 4, false}, {4, 9, false}, {9, 9, true}} {
			if next := put(c.first, c.forwarded, c.verified); next.ETag == first.ETag {
				t.Errorf("%+v did not replace what was there", c)
			} else {
				first = next
			}
		}
		list, err := b.Sessions(ctx, ada, version, "", "")
		if err != nil || len(list) != 1 || list[0].FirstIndex != 9 || !list[0].Verified {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestBackupsHaveOneLifeEach(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		b, ctx := backup.New(db), t.Context()
		want := func(err error, code matrix.Code) {
			t.Helper()
			if !matrix.IsCode(err, code) {
				t.Errorf("got %v, want %s", err, code)
			}
		}
		_, err := b.Version(ctx, ada, 0)
		want(err, matrix.NotFound)
		auth := json.RawMessage(`{"public_key":"x"}`)
		old, err := b.Create(ctx, ada, "m.test", auth)
		if err != nil {
			t.Fatal(err)
		}
		keys := []backup.Session{key(t, "!a", "1", 0, 0, true), key(t, "!a", "2", 0, 0, true), key(t, "!b", "3", 0, 0, true)}
		if state, err := b.Put(ctx, ada, old, keys); err != nil || state.Count != 3 {
			t.Fatalf("%+v, %v", state, err)
		}
		now, err := b.Create(ctx, ada, "m.test", auth)
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Put(ctx, ada, old, keys)
		want(err, matrix.WrongRoomKeysVersion)
		var refusal *matrix.Error
		if errors.As(err, &refusal) && refusal.Extra["current_version"] != fmt.Sprint(now) {
			t.Errorf("the current version is said to be %v", refusal.Extra["current_version"])
		}
		if list, err := b.Sessions(ctx, ada, old, "!a", ""); err != nil || len(list) != 2 {
			t.Errorf("%+v, %v", list, err)
		}
		if state, err := b.DeleteSessions(ctx, ada, old, "!a", "1"); err != nil || state.Count != 2 {
			t.Errorf("%+v, %v", state, err)
		}
		want(b.Update(ctx, ada, now, "m.other", auth), matrix.InvalidParam)
		if err := b.Update(ctx, ada, now, "m.test", json.RawMessage(`{"public_key":"y"}`)); err != nil {
			t.Error(err)
		}
		if err := b.Delete(ctx, ada, now); err != nil {
			t.Error(err)
		}
		want(b.Delete(ctx, ada, now), matrix.NotFound)
		if v, err := b.Version(ctx, ada, 0); err != nil || v.Version != old || v.Count != 2 {
			t.Errorf("%+v, %v", v, err)
		}
		if err := b.Gone(ctx, ada, true); err != nil {
			t.Error(err)
		}
		_, err = b.Version(ctx, ada, 0)
		want(err, matrix.NotFound)
		if next, err := b.Create(ctx, ada, "m.test", auth); err != nil || next <= now {
			t.Errorf("version %d after %d, %v", next, now, err)
		}
	})
}

func FuzzParseSession(f *testing.F) {
	for _, s := range []string{
		`{"first_message_index":0,"forwarded_count":0,"is_verified":true,"session_data":{}}`,
		`{"first_message_index":1.5,"forwarded_count":0,"is_verified":true,"session_data":{}}`, `{`, `[]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := backup.ParseSession("!a", "s", json.RawMessage(raw))
		if err == nil && (s.FirstIndex < 0 || s.Forwarded < 0 || len(s.Data) == 0) {
			t.Errorf("%s was read as %+v", raw, s)
		}
	})
}
