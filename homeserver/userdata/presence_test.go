package userdata_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// sees returns "@user state status" as it changed for user since a serial.
func (w *world) sees(user id.UserID, after int64) []string {
	w.Helper()
	list, err := w.PresenceChanges(w.Context(), user, after)
	w.must(err)
	var out []string
	for _, p := range list {
		s := "@" + p.User.Localpart() + " " + p.State
		if p.StatusMsg != nil {
			s += " " + *p.StatusMsg
		}
		if p.CurrentlyActive {
			s += " active"
		}
		out = append(out, s)
	}
	return out
}

func present(t *testing.T) *world {
	t.Helper()
	return open(t, storagetest.Open(t, storage.SQLite), userdata.Options{Presence: true})
}

func TestPresenceIsSet(t *testing.T) {
	t.Parallel()
	w := present(t)
	w.room(ada, bob)
	status := "cooking"
	before := w.Serial()
	w.must(w.SetPresence(as(ada), userdata.Online, &status))
	if got := w.sees(bob, before); !slices.Equal(got, []string{"@ada online cooking active"}) {
		t.Errorf("bob sees %q", got)
	}
	if got := w.sees(ada, before); !slices.Equal(got, []string{"@ada online cooking active"}) {
		t.Errorf("she herself sees %q", got)
	}
	if got := w.sees(eve, before); got != nil {
		t.Errorf("a stranger sees %q", got)
	}
	p, err := w.Presence(t.Context(), as(bob), ada)
	w.must(err)
	if p.State != userdata.Online || p.StatusMsg == nil || *p.StatusMsg != status || p.LastActiveAgo == nil {
		t.Errorf("asked for, %+v", p)
	}
	_, err = w.Presence(t.Context(), as(eve), ada)
	w.refused(err, matrix.Forbidden, 403)

	before = w.Serial()
	w.must(w.SetPresence(as(ada), userdata.Unavailable, nil))
	if got := w.sees(bob, before); !slices.Equal(got, []string{"@ada unavailable"}) {
		t.Errorf("then bob sees %q", got)
	}
	w.refused(w.SetPresence(as(ada), "asleep", nil), matrix.InvalidParam, 400)
	long := strings.Repeat("x", 2049)
	w.refused(w.SetPresence(as(ada), userdata.Online, &long), matrix.InvalidParam, 400)
}

func TestPresenceOfWhoSyncs(t *testing.T) {
	t.Parallel()
	w := present(t)
	w.room(ada, bob)
	synctest.Test(t, func(*testing.T) {
		since := w.Serial()
		want := func(what string, states ...string) {
			t.Helper()
			synctest.Wait()
			if got := w.sees(bob, since); !slices.Equal(got, states) {
				t.Errorf("%s: bob sees %q, want %q", what, got, states)
			}
			since = w.Serial()
		}
		done := w.Syncing(as(ada), "")
		want("she syncs", "@ada online active")
		time.Sleep(61 * time.Second)
		want("a minute without a sign of life", "@ada online")
		time.Sleep(4 * time.Minute)
		want("five minutes", "@ada unavailable")
		w.must(w.SetPresence(as(ada), userdata.Online, nil))
		want("she touches it", "@ada online active")
		done()
		time.Sleep(20 * time.Second)
		done = w.Syncing(as(ada), userdata.Online)
		time.Sleep(20 * time.Second)
		want("one sync after the other is no news")
		done()
		time.Sleep(31 * time.Second)
		want("she is gone", "@ada offline")
		w.Syncing(as(ada), userdata.Offline)()
		want("she looks without showing herself")
		done = w.Syncing(as(ada), userdata.Unavailable)
		want("she is idle", "@ada unavailable")
		done()
	})
}

func TestPresenceOfSeveralDevices(t *testing.T) {
	t.Parallel()
	w := present(t)
	synctest.Test(t, func(*testing.T) {
		state := func() string {
			synctest.Wait()
			p, err := w.Presence(t.Context(), as(ada), ada)
			w.must(err)
			return p.State
		}
		phone := w.Syncing(matrix.Principal{User: ada, Device: "PHONE"}, userdata.Unavailable)
		pad := w.Syncing(matrix.Principal{User: ada, Device: "PAD"}, userdata.Online)
		if got := state(); got != userdata.Online {
			t.Errorf("with one idle and one in use: %s", got)
		}
		pad()
		time.Sleep(31 * time.Second)
		if got := state(); got != userdata.Unavailable {
			t.Errorf("with the idle one: %s", got)
		}
		phone()
		time.Sleep(31 * time.Second)
		if got := state(); got != userdata.Offline {
			t.Errorf("with none: %s", got)
		}
	})
}

func TestPeopleWhoMeetSeeEachOther(t *testing.T) {
	t.Parallel()
	w := present(t)
	stop := w.run()
	defer stop()
	room := w.room(ada)
	w.must(w.SetPresence(as(ada), userdata.Online, nil))
	w.must(w.SetPresence(as(bob), userdata.Online, nil))
	since := w.Serial()
	heard := w.db.Bus().Subscribe(rooms.RoomTopic(room), rooms.UserTopic(bob))
	defer heard.Close()
	w.join(bob, room)
	for !slices.Contains(w.sees(ada, since), "@bob online active") {
		<-heard.C()
	}
	if got := w.sees(bob, since); !slices.Contains(got, "@ada online active") {
		t.Errorf("bob sees %q", got)
	}
	if got := w.sees(eve, 0); got != nil {
		t.Errorf("a stranger sees %q", got)
	}
}

func TestWithoutPresence(t *testing.T) {
	t.Parallel()
	w := open(t, storagetest.Open(t, storage.SQLite), userdata.Options{})
	w.room(ada, bob)
	w.must(w.SetPresence(as(ada), userdata.Online, nil))
	w.Syncing(as(ada), "")()
	p, err := w.Presence(t.Context(), as(bob), ada)
	w.must(err)
	if p.State != userdata.Offline {
		t.Errorf("she is %s", p.State)
	}
	if got := w.sees(bob, 0); got != nil {
		t.Errorf("bob sees %q", got)
	}
}

func TestPresenceOfAClosedAccount(t *testing.T) {
	t.Parallel()
	w := present(t)
	w.room(ada, bob)
	w.must(w.SetPresence(as(ada), userdata.Online, nil))
	w.must(w.Gone(t.Context(), ada, true))
	if got := w.sees(bob, 0); got != nil {
		t.Errorf("bob sees %q", got)
	}
}
