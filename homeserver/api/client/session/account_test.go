package session_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestChangePassword(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		phone := w.login("ada", ada.password, nil)
		path, body := v3+"/account/password", obj{"new_password": "a newer secret"}
		w.post(ada.access, path, obj{"new_password": "short"}).want(http.StatusBadRequest, matrix.WeakPassword)
		w.post(ada.access, path, obj{}).want(http.StatusBadRequest, matrix.MissingParam)
		session := w.post(ada.access, path, body).asks("", passwordFlow)
		w.post(ada.access, path, with(body, obj{"auth": with(ada.auth(session), obj{"password": "wrong"})})).asks(matrix.Forbidden, passwordFlow)
		if !phone.isIn() {
			t.Fatal("signed out too early")
		}
		w.post(ada.access, path, with(body, obj{"auth": ada.auth(session)})).ok()
		if phone.isIn() || !ada.isIn() {
			t.Error("the other device is to be signed out, and no more")
		}
		w.post("", v3+"/login", byPassword("ada", ada.password)).want(http.StatusForbidden, matrix.Forbidden)
		ada.password = "a newer secret"
		phone = w.login("ada", ada.password, nil)

		w.post(ada.access, path, obj{"new_password": "the newest secret", "logout_devices": false, "auth": ada.auth("")}).ok()
		if !phone.isIn() || !ada.isIn() {
			t.Error("a device was signed out")
		}
		// Without a session, by the old password alone.
		session = w.post("", path, body).asks("", passwordFlow)
		ada.password = "the newest secret"
		w.post("", path, with(body, obj{"auth": ada.auth(session)})).ok()
		if phone.isIn() || ada.isIn() {
			t.Error("a device stays")
		}
		w.login("ada", "a newer secret", nil)
	})
}

func TestResetPassword(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		change := account.PasswordChange{New: "from the administrator"}
		if err := w.ResetPassword(t.Context(), id.UserID(ada.user), change); err != nil {
			t.Fatal(err)
		}
		if ada.isIn() {
			t.Error("still signed in")
		}
		w.login("ada", "from the administrator", nil)
		if err := w.ResetPassword(t.Context(), "@nobody:one.example", change); !matrix.IsCode(err, matrix.NotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDeactivate(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{Registration: account.Open})
		ada, bob := w.open("ada"), w.open("bob")
		phone := w.login("ada", ada.password, nil)
		path := v3 + "/account/deactivate"
		session := w.post(ada.access, path, obj{"erase": true}).asks("", passwordFlow)
		w.post(ada.access, path, obj{"erase": true, "auth": with(ada.auth(session), obj{"password": "wrong"})}).asks(matrix.Forbidden, passwordFlow)
		w.post(ada.access, path, obj{"erase": true, "auth": bob.auth(session)}).want(http.StatusForbidden, matrix.Forbidden)
		if !ada.isIn() {
			t.Fatal("gone too early")
		}
		a := w.post(ada.access, path, obj{"erase": true, "auth": ada.auth(session)}).ok()
		if a.str("id_server_unbind_result") != "success" {
			t.Errorf("got %s", a.body)
		}
		if ada.isIn() || phone.isIn() || !bob.isIn() {
			t.Error("sessions are wrong")
		}
		w.post("", v3+"/login", byPassword("ada", ada.password)).want(http.StatusForbidden, matrix.Forbidden)
		w.register("ada", obj{"type": "m.login.dummy"}).want(http.StatusBadRequest, matrix.UserInUse)

		// Without a session, by the password alone.
		session = w.post("", path, obj{}).asks("", passwordFlow)
		w.post("", path, obj{"auth": bob.auth(session)}).ok()
		if bob.isIn() {
			t.Error("bob is still there")
		}
	})
}

func TestOpenID(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ada := w.open("ada")
		path := func(user string) string {
			return v3 + "/user/" + url.PathEscape(user) + "/openid/request_token"
		}
		a := w.post(ada.access, path(ada.user), obj{}).ok()
		if a.str("token_type") != "Bearer" || a.str("matrix_server_name") != here || a.str("expires_in") != "3600" {
			t.Errorf("got %s", a.body)
		}
		token := a.str("access_token")
		w.restart()
		if user, err := w.OpenIDUser(t.Context(), token); string(user) != ada.user || err != nil {
			t.Errorf("got %s, %v", user, err)
		}
		w.get(token, v3+"/account/whoami").want(http.StatusUnauthorized, matrix.UnknownToken)
		for _, bad := range []string{"", ada.access, token + "x"} {
			if _, err := w.OpenIDUser(t.Context(), bad); !matrix.IsCode(err, matrix.UnknownToken) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		w.pass(time.Hour)
		if _, err := w.OpenIDUser(t.Context(), token); !matrix.IsCode(err, matrix.UnknownToken) {
			t.Errorf("an expired token: %v", err)
		}
		w.post(ada.access, path("@bob:one.example"), obj{}).want(http.StatusForbidden, matrix.Forbidden)
	})
}

func TestContacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	ada := w.open("ada")
	if a := w.get(ada.access, v3+"/account/3pid").ok(); string(a.body) != `{"threepids":[]}` {
		t.Errorf("got %s", a.body)
	}
	for _, path := range []string{"/account/3pid", "/account/3pid/add", "/account/3pid/bind"} {
		w.post(ada.access, v3+path, obj{}).want(http.StatusForbidden, matrix.ThreePIDDenied)
		w.post("", v3+path, obj{}).want(http.StatusUnauthorized, matrix.MissingToken)
	}
	for _, path := range []string{"/account/3pid/delete", "/account/3pid/unbind"} {
		if a := w.post(ada.access, v3+path, obj{}).ok(); a.str("id_server_unbind_result") != "no-support" {
			t.Errorf("got %s", a.body)
		}
	}
	for _, path := range []string{"/account/3pid", "/account/password", "/register"} {
		for _, medium := range []string{"email", "msisdn"} {
			w.post("", v3+path+"/"+medium+"/requestToken", obj{}).want(http.StatusForbidden, matrix.ThreePIDDenied)
		}
	}
}
