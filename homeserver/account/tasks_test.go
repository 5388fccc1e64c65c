package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/accounts"
	"plenum/storage/storagetest"
)

func (w *world) rename(name string) {
	w.t.Helper()
	value, _ := json.Marshal(name)
	if err := w.SetProfileField(w.t.Context(), matrix.Principal{User: ada}, ada, accounts.DisplayName, value); err != nil {
		w.t.Fatal(err)
	}
}

// wantTold checks what others were asked to do, in whatever order.
func (w *world) wantTold(want ...string) {
	w.t.Helper()
	got := w.told.take()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("others were asked to do %q, want %q", got, want)
	}
}

func TestProfileReachesRooms(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		w.create("ada")
		w.rename("Countess")
		w.rename("Countess") // the same again
		if err := w.SetProfileField(ctx, matrix.Principal{User: ada}, ada, "org.example.x", json.RawMessage(`1`)); err != nil {
			t.Fatal(err)
		}
		if err := w.work(ctx); err != nil {
			t.Error(err)
		}
		w.wantTold("show @ada:one.example")
		if err := w.work(ctx); err != nil {
			t.Error(err)
		}
		w.wantTold()
	})
}

func TestProfileReachesRoomsAfterACrash(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		w.create("ada")
		w.told.fail(true)
		w.rename("Countess")
		if err := w.work(t.Context()); !errors.Is(err, errFailing) {
			t.Errorf("got %v", err)
		}
		w.told.fail(false)
		w.restart(Options{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.Run(ctx) }()
		w.told.await(t, 1)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.wantTold("show @ada:one.example")
	})
}

func TestRunHearsOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	w.create("ada")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	for i := range 3 {
		w.rename(fmt.Sprint("Ada ", i))
		w.told.await(t, i+1)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestDeparture(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		w.create("ada")
		s := w.login("ada", NewDevice{ID: "D"})
		w.rename("Countess")
		w.told.rooms = []rooms.Membership{
			{Room: "!a", Membership: "join"}, {Room: "!b", Membership: "invite"}, {Room: "!c", Membership: "knock"},
			{Room: "!d", Membership: "leave"}, {Room: "!e", Membership: "ban"}, {Room: "!broken", Membership: "join"},
		}
		if err := w.Close(ctx, ada, Closing{}); err != nil {
			t.Fatal(err)
		}
		w.wantTold("devices @ada:one.example D")
		if p := w.principal(s.Access); !p.IsAnyone() {
			t.Errorf("a token speaks for a closed account: %+v", p)
		}
		if err := w.work(ctx); err != nil {
			t.Fatal(err)
		}
		w.wantTold("leave @ada:one.example !a", "leave @ada:one.example !b", "leave @ada:one.example !c", "gone @ada:one.example")
		if p, err := w.Profile(ctx, matrix.Principal{}, ada); err != nil || p.Text(accounts.DisplayName) != "Countess" {
			t.Errorf("profile of a closed account: %s, %v", p, err)
		}
		if err := w.Close(ctx, ada, Closing{}); !matrix.IsCode(err, matrix.NotFound) {
			t.Errorf("closed twice: %v", err)
		}
		if err := w.Close(ctx, ada, Closing{Erase: true}); err != nil {
			t.Errorf("erased later: %v", err)
		}
	})
}

func TestErasureIsFinishedAfterACrash(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		w.create("ada")
		if err := w.Close(ctx, ada, Closing{Erase: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Profile(ctx, matrix.Principal{}, ada); !matrix.IsCode(err, matrix.NotFound) {
			t.Errorf("profile of an account that is being erased: %v", err)
		}
		w.told.rooms = []rooms.Membership{{Room: "!a", Membership: "join"}}
		w.told.fail(true)
		if err := w.work(ctx); !errors.Is(err, errFailing) {
			t.Errorf("got %v", err)
		}
		if w.store.IsErased(ada) {
			t.Error("erased although others are not done")
		}
		w.told.fail(false)
		w.restart(Options{})
		if err := w.work(ctx); err != nil {
			t.Fatal(err)
		}
		w.wantTold("leave @ada:one.example !a", "erase @ada:one.example")
		if _, ok, _ := w.store.Read(ctx, ada); ok || !w.store.IsErased(ada) {
			t.Error("the account is still there")
		}
		if err := w.work(ctx); err != nil {
			t.Error(err)
		}
		w.wantTold()
	})
}

func TestWordsAreTakenBackBeforeDeparture(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, Options{})
		ctx := t.Context()
		w.create("ada")
		w.told.rooms = []rooms.Membership{{Room: "!left", Membership: "leave"}, {Room: "!said", Membership: "join"}}
		key := func(s string) *string { return &s }
		for i, e := range []*rooms.Event{
			{ID: "$member", Type: "m.room.member", StateKey: key("@ada:one.example")},
			{ID: "$invite", Type: "m.room.member", StateKey: key("@bob:one.example")},
			{ID: "$said", Type: "m.room.message"},
			{ID: "$name", Type: "m.room.name", StateKey: key("")},
			{ID: "$redaction", Type: "m.room.redaction"},
			{ID: "$elsewhere", Type: "m.room.message", Room: "!left"},
		} {
			e.Sender, e.Pos = ada, matrix.Position(i-3) // some came from other servers
			if e.Room == "" {
				e.Room = "!said"
			}
			w.told.sent = append(w.told.sent, e)
		}
		if err := w.Close(ctx, ada, Closing{Redact: true}); err != nil {
			t.Fatal(err)
		}
		w.told.fail(true)
		if err := w.work(ctx); !errors.Is(err, errFailing) {
			t.Errorf("got %v", err)
		}
		w.told.fail(false)
		w.restart(Options{})
		if err := w.work(ctx); err != nil {
			t.Fatal(err)
		}
		got := w.told.take()
		want := []string{"redact @ada:one.example $member", "redact @ada:one.example $said", "leave @ada:one.example !said", "gone @ada:one.example"}
		if !slices.Equal(got, want) {
			t.Errorf("others were asked to do %q, want %q", got, want)
		}
	})
}

func TestHookFailureKeepsTheDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), Options{})
	w.create("ada")
	s := w.login("ada", NewDevice{ID: "stuck"})
	if err := w.Logout(t.Context(), w.principal(s.Access)); !errors.Is(err, errFailing) {
		t.Errorf("got %v", err)
	}
	if p := w.principal(s.Access); p.User != ada {
		t.Error("half logged out")
	}
}
