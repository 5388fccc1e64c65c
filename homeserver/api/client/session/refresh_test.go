package session_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

// renew shows a refresh token.
func (w *world) renew(token string) answer {
	w.t.Helper()
	return w.post("", v3+"/refresh", obj{"refresh_token": token})
}

// good reports whether an access token is accepted; when not, whether the
// client is told to keep its data.
func (w *world) good(access string) (ok, soft bool) {
	w.t.Helper()
	a := w.get(access, v3+"/account/whoami")
	if a.status == http.StatusOK {
		return true, false
	}
	a.want(http.StatusUnauthorized, matrix.UnknownToken)
	return false, a.str("soft_logout") == "true"
}

func renewing(t *testing.T, db *storage.DB) (*world, *person) {
	w := newWorld(t, db, account.Options{Life: account.Life{Access: 5 * time.Minute}})
	ada := w.open("ada")
	return w, w.login("ada", ada.password, obj{"refresh_token": true, "device_id": "D"})
}

func TestRefresh(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w, ada := renewing(t, db)
		if ada.refresh == "" {
			t.Fatal("no refresh token")
		}
		if ok, _ := w.good(ada.access); !ok {
			t.Fatal("not logged in")
		}
		for range 3 {
			w.pass(5 * time.Minute)
			if ok, soft := w.good(ada.access); ok || !soft {
				t.Errorf("an expired token: good %v, soft logout %v", ok, soft)
			}
			a := w.renew(ada.refresh).ok()
			if a.str("expires_in_ms") != "300000" || a.str("refresh_token") == ada.refresh || a.str("access_token") == ada.access {
				t.Errorf("got %s", a.body)
			}
			ada.access, ada.refresh = a.str("access_token"), a.str("refresh_token")
			if !ada.isIn() {
				t.Error("the new token is not good")
			}
			w.settle()
			w.restart()
			ada.world = w
		}
		w.post(ada.access, v3+"/logout", nil).ok()
		if a := w.renew(ada.refresh).want(http.StatusUnauthorized, matrix.UnknownToken); a.has("soft_logout") {
			t.Errorf("after logout: %s", a.body)
		}
		w.renew("plr_nonsense").want(http.StatusUnauthorized, matrix.UnknownToken)
		w.renew(ada.access).want(http.StatusUnauthorized, matrix.UnknownToken)
		w.renew("").want(http.StatusBadRequest, matrix.MissingParam)
	})
}

func TestPlainTokensDoNotExpireUnlessTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	ada := w.open("ada")
	w.pass(1000 * 24 * time.Hour)
	if !ada.isIn() {
		t.Error("expired")
	}
	w.opt.Life.Plain = time.Hour
	w.restart()
	ada = w.login("ada", ada.password, obj{"device_id": "D"})
	w.pass(time.Hour)
	if ok, soft := w.good(ada.access); ok || !soft {
		t.Errorf("good %v, soft logout %v", ok, soft)
	}
	if again := w.login("ada", ada.password, obj{"device_id": "D"}); !again.isIn() {
		t.Error("cannot come back on the same device")
	}
}

func TestLostAnswerOfARefresh(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w, ada := renewing(t, db)
		w.renew(ada.refresh).ok() // lost
		w.restart()
		ada.world = w
		second := w.renew(ada.refresh).ok()
		if ok, _ := w.good(second.str("access_token")); !ok {
			t.Error("the second answer is not good")
		}
		third := w.renew(second.str("refresh_token")).ok()
		if ok, _ := w.good(third.str("access_token")); !ok {
			t.Error("the session is broken after a lost answer")
		}
	})
}

func TestReuseOfARefreshTokenEndsTheSession(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w, ada := renewing(t, db)
		other := w.login("ada", ada.password, nil)
		stolen := ada.refresh
		a := w.renew(ada.refresh).ok()
		if ok, _ := w.good(a.str("access_token")); !ok {
			t.Fatal("not renewed")
		}
		w.settle()
		if a := w.renew(stolen).want(http.StatusUnauthorized, matrix.UnknownToken); a.str("soft_logout") != "true" {
			t.Errorf("got %s", a.body)
		}
		if ok, _ := w.good(a.str("access_token")); ok {
			t.Error("the session goes on")
		}
		w.renew(a.str("refresh_token")).want(http.StatusUnauthorized, matrix.UnknownToken)
		if !other.isIn() {
			t.Error("another session has ended, too")
		}
		back := w.login("ada", ada.password, obj{"device_id": "D", "refresh_token": true})
		if !back.isIn() || back.device != "D" {
			t.Error("the owner cannot come back on the device")
		}
		w.renew(stolen).want(http.StatusUnauthorized, matrix.UnknownToken)
		if !back.isIn() {
			t.Error("an old token ends the new session")
		}
	})
}

// A thief who is faster than the owner: the owner's next refresh tells.
func TestThiefIsFaster(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w, ada := renewing(t, db)
		thief := w.renew(ada.refresh).ok()
		if ok, _ := w.good(thief.str("access_token")); !ok {
			t.Fatal("not renewed")
		}
		w.settle()
		w.renew(ada.refresh).want(http.StatusUnauthorized, matrix.UnknownToken)
		if ok, _ := w.good(thief.str("access_token")); ok {
			t.Error("the thief stays")
		}
		w.renew(thief.str("refresh_token")).want(http.StatusUnauthorized, matrix.UnknownToken)
	})
}

func TestRefreshAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w, ada := renewing(t, db)
		answers := make([]answer, 2)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = w.renew(ada.refresh) })
		}
		all.Wait()
		for _, a := range answers { // two tabs of one browser
			if ok, _ := w.good(a.ok().str("access_token")); !ok {
				t.Error("one of two answers is not good")
			}
		}
	})
}
