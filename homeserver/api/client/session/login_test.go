package session_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

const passwordFlow = `[{"stages":["m.login.password"]}]`

func TestLogin(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		flows := w.get("", v3+"/login").ok()
		if flows.str("flows") != `[{"type":"m.login.password"},{"type":"m.login.token","get_login_token":true},{"type":"m.login.application_service"}]` {
			t.Errorf("flows: %s", flows.body)
		}
		for _, name := range []string{"ada", "ADA", "@ada:one.example", "@Ada:ONE.example", " ada "} {
			if p := w.login(name, ada.password, nil); p.user != ada.user || p.device == ada.device || !p.isIn() {
				t.Errorf("%q: %s on %s", name, p.user, p.device)
			}
		}
		old := w.post("", v3+"/login", obj{"type": "m.login.password", "user": "ada", "password": ada.password}).ok()
		if old.str("user_id") != ada.user || old.str("home_server") != here {
			t.Errorf("got %s", old.body)
		}
		for _, body := range []obj{
			byPassword("ada", "wrong"), byPassword("ada", ""), byPassword("nobody", ada.password), byPassword("@ada:two.example", ada.password),
			byPassword("not a name", ada.password), byPassword("ada", strings.Repeat("x", 5000)),
			{"type": "m.login.password", "identifier": obj{"type": "m.id.thirdparty", "medium": "email", "address": "ada@one.example"}, "password": ada.password},
		} {
			a := w.post("", v3+"/login", body).want(http.StatusForbidden, matrix.Forbidden)
			if a.has("soft_logout") {
				t.Errorf("%v: %s", body, a.body)
			}
		}
		w.post("", v3+"/login", obj{"type": "m.login.password", "password": "x"}).want(http.StatusBadRequest, matrix.MissingParam)
		w.post("", v3+"/login", obj{"type": "m.login.sso"}).want(http.StatusBadRequest, matrix.Unknown)
		w.post("", v3+"/login", obj{}).want(http.StatusBadRequest, matrix.Unknown)
		w.post("", v3+"/login", obj{"type": "m.login.application_service", "identifier": obj{"type": "m.id.user", "user": "ada"}}).want(http.StatusUnauthorized, matrix.MissingToken)
		w.post("", v3+"/login", obj{"type": 1}).want(http.StatusBadRequest, matrix.BadJSON)
	})
}

func TestLoginOnADevice(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		first := w.login("ada", ada.password, obj{"device_id": "phone", "initial_device_display_name": strings.Repeat("ü", 200)})
		second := w.login("ada", ada.password, obj{"device_id": "phone", "initial_device_display_name": "other"})
		if first.device != "phone" || first.isIn() || !second.isIn() || !ada.isIn() {
			t.Error("signing in on a device does not end just its session")
		}
		if d := w.get(second.access, v3+"/devices/phone").ok(); d.str("display_name") != strings.Repeat("ü", 127) {
			t.Errorf("device %s", d.body)
		}
		w.post("", v3+"/login", with(byPassword("ada", ada.password), obj{"device_id": strings.Repeat("D", 256)})).want(http.StatusBadRequest, matrix.InvalidParam)
	})
}

func TestTooManyWrongPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{WrongPasswords: 2})
	ada := w.open("ada")
	for _, name := range []string{"ada", "nobody"} { // nothing tells the two apart
		for range 2 {
			w.post("", v3+"/login", byPassword(name, "wrong")).want(http.StatusForbidden, matrix.Forbidden)
		}
		a := w.post("", v3+"/login", byPassword(name, "wrong")).want(http.StatusTooManyRequests, matrix.LimitExceeded)
		if a.str("retry_after_ms") != "60000" || a.header.Get("Retry-After") != "60" {
			t.Errorf("got %s", a.body)
		}
	}
	w.post("", v3+"/login", byPassword("ada", ada.password)).want(http.StatusTooManyRequests, matrix.LimitExceeded)
	if !ada.isIn() {
		t.Error("guessing has ended a session")
	}
	w.do(ada.access, http.MethodDelete, v3+"/devices/x", obj{"auth": ada.auth("")}).want(http.StatusTooManyRequests, matrix.LimitExceeded)
	w.pass(time.Minute)
	w.login("ada", ada.password, nil)
}

// The cost of hashes can be raised: they are renewed as people sign in.
func TestCostIsRaised(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		w.open("ada")
		hash := func() (s string) {
			err := db.Read(t.Context(), func(tx *storage.Tx) (err error) {
				s, _, err = storage.One[string](t.Context(), tx, `SELECT password FROM account`)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		w.opt.Passwords.Passes = 3
		w.restart()
		if !strings.Contains(hash(), "t=1") {
			t.Fatal(hash())
		}
		w.login("ada", "secret of ada", nil)
		if !strings.Contains(hash(), "t=3") {
			t.Errorf("still %s", hash())
		}
		w.login("ada", "secret of ada", nil)
	})
}

func TestLogout(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		phone, tablet := w.login("ada", ada.password, nil), w.login("ada", ada.password, nil)
		bob := w.open("bob")
		w.post(phone.access, v3+"/logout", nil).ok()
		if phone.isIn() || !ada.isIn() || !tablet.isIn() {
			t.Error("logout ends not just its session")
		}
		if a := w.get(phone.access, v3+"/account/whoami"); a.has("soft_logout") {
			t.Errorf("got %s", a.body)
		}
		if ids := ada.deviceIDs(); strings.Contains(ids, phone.device) {
			t.Errorf("devices %s", ids)
		}
		w.post(ada.access, v3+"/logout/all", nil).ok()
		if ada.isIn() || tablet.isIn() || !bob.isIn() {
			t.Error("logout everywhere ends not just all of ada's sessions")
		}
		w.get("", v3+"/account/whoami").want(http.StatusUnauthorized, matrix.MissingToken)
		w.restart()
		ada.world = w
		if ada.isIn() {
			t.Error("a session is back after a restart")
		}
	})
}

func TestLoginToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		get := func() string {
			session := w.post(ada.access, v1+"/login/get_token", obj{}).asks("", passwordFlow)
			a := w.post(ada.access, v1+"/login/get_token", obj{"auth": ada.auth(session)}).ok()
			if a.str("expires_in_ms") != "120000" {
				t.Errorf("got %s", a.body)
			}
			w.post(ada.access, v1+"/login/get_token", obj{"auth": obj{"session": session}}).asks("", passwordFlow) // each one asks
			return a.str("login_token")
		}
		byToken := func(token string) answer {
			return w.post("", v3+"/login", obj{"type": "m.login.token", "token": token, "device_id": "tv"})
		}
		token := get()
		w.restart()
		ada.world = w
		a := byToken(token).ok()
		tv := &person{world: w, user: a.str("user_id"), device: "tv", access: a.str("access_token")}
		if tv.user != ada.user || !tv.isIn() {
			t.Errorf("got %s", a.body)
		}
		byToken(token).want(http.StatusForbidden, matrix.Forbidden)
		byToken("").want(http.StatusForbidden, matrix.Forbidden)
		byToken(ada.access).want(http.StatusForbidden, matrix.Forbidden)
		w.get(get(), v3+"/account/whoami").want(http.StatusUnauthorized, matrix.UnknownToken)
		late := get()
		w.pass(2 * time.Minute)
		byToken(late).want(http.StatusForbidden, matrix.Forbidden)
		w.post(ada.access, "/_matrix/client/unstable/org.matrix.msc3882/login/token", obj{}).asks("", passwordFlow)
		w.post("", v1+"/login/get_token", obj{}).want(http.StatusUnauthorized, matrix.MissingToken)
	})
}
