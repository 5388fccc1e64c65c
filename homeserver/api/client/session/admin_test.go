package session_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func (w *world) admin() *person {
	w.t.Helper()
	return w.openAs(account.NewAccount{Name: "root", Password: "secret of root", Admin: true})
}

func about(what, user string) string {
	return v1 + "/admin/" + what + "/" + url.PathEscape(user)
}

func TestLockedAccount(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		root, ada := w.admin(), w.open("ada")
		phone := w.login("ada", ada.password, obj{"refresh_token": true})
		lock := func(on bool) {
			t.Helper()
			if a := w.do(root.access, http.MethodPut, about("lock", ada.user), obj{"locked": on}).ok(); (a.str("locked") == "true") != on {
				t.Errorf("got %s", a.body)
			}
			if a := w.get(root.access, about("lock", ada.user)).ok(); (a.str("locked") == "true") != on {
				t.Errorf("got %s", a.body)
			}
		}
		lock(true)
		for _, a := range []answer{
			w.get(ada.access, v3+"/account/whoami"),
			w.get(ada.access, v3+"/devices"),
			w.post("", v3+"/login", byPassword("ada", ada.password)),
			w.renew(phone.refresh),
		} {
			if a.want(http.StatusUnauthorized, matrix.UserLocked).str("soft_logout") != "true" {
				t.Errorf("got %s", a.body)
			}
		}
		w.post("", v3+"/login", byPassword("ada", "wrong")).want(http.StatusForbidden, matrix.Forbidden)
		w.post(phone.access, v3+"/logout", nil).ok()
		w.restart()
		lock(false)
		ada.world, phone.world = w, w
		if !ada.isIn() || phone.isIn() {
			t.Error("sessions of an account that was locked are wrong")
		}
		w.login("ada", ada.password, nil)
		lock(true)
		w.post(ada.access, v3+"/logout/all", nil).ok()
	})
}

func TestSuspendedAccount(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		root, ada := w.admin(), w.open("ada")
		if a := w.get(root.access, about("suspend", ada.user)).ok(); a.str("suspended") != "false" {
			t.Errorf("got %s", a.body)
		}
		w.do(root.access, http.MethodPut, about("suspend", ada.user), obj{"suspended": true}).ok()
		p, err := w.Authenticate(t.Context(), ada.access, nil)
		if err != nil || !p.Suspended {
			t.Errorf("got %+v, %v", p, err)
		}
		again := w.login("ada", ada.password, nil)
		again.delete(ada.device, ada.auth("")).ok()
		w.do(root.access, http.MethodPut, "/_matrix/client/unstable/uk.timedout.msc4323/admin/suspend/"+url.PathEscape(ada.user), obj{"suspended": false}).ok()
		if a := w.get(root.access, about("suspend", ada.user)).ok(); a.str("suspended") != "false" {
			t.Errorf("got %s", a.body)
		}
	})
}

func TestModerationIsForAdministrators(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	root, ada := w.admin(), w.open("ada")
	other := w.openAs(account.NewAccount{Name: "root2", Password: "secret of root2", Admin: true})
	gone := w.open("gone")
	if err := w.Close(t.Context(), id.UserID(gone.user), account.Closing{}); err != nil {
		t.Fatal(err)
	}
	for what, body := range map[string]obj{"lock": {"locked": true}, "suspend": {"suspended": true}} {
		for user, want := range map[string]struct {
			status int
			code   matrix.Code
		}{
			root.user:             {http.StatusForbidden, matrix.Forbidden},
			other.user:            {http.StatusForbidden, matrix.Forbidden},
			"@ada:two.example":    {http.StatusBadRequest, matrix.InvalidParam},
			"ada":                 {http.StatusBadRequest, matrix.InvalidParam},
			"@nobody:one.example": {http.StatusNotFound, matrix.NotFound},
			gone.user:             {http.StatusNotFound, matrix.NotFound},
		} {
			w.do(root.access, http.MethodPut, about(what, user), body).want(want.status, want.code)
			w.get(root.access, about(what, user)).want(want.status, want.code)
			w.get(ada.access, about(what, user)).want(http.StatusForbidden, matrix.Forbidden)
			w.do(ada.access, http.MethodPut, about(what, user), body).want(http.StatusForbidden, matrix.Forbidden)
		}
		w.do(root.access, http.MethodPut, about(what, ada.user), obj{}).want(http.StatusBadRequest, matrix.MissingParam)
	}
	if err := w.SetAdmin(t.Context(), id.UserID(ada.user), true); err != nil {
		t.Fatal(err)
	}
	w.get(ada.access, about("lock", "@nobody:one.example")).want(http.StatusNotFound, matrix.NotFound)
}

func TestWhois(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{})
	root, ada := w.admin(), w.open("ada")
	whois := func(p *person, user string) answer {
		return w.get(p.access, v3+"/admin/whois/"+url.PathEscape(user))
	}
	for _, p := range []*person{root, ada} {
		want := `{"user_id":"` + ada.user + `","devices":{"` + ada.device + `":{"sessions":[{"connections":[]}]}}}`
		if a := whois(p, ada.user).ok(); string(a.body) != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
	}
	whois(ada, root.user).want(http.StatusForbidden, matrix.Forbidden)
	whois(root, "@nobody:one.example").want(http.StatusNotFound, matrix.NotFound)
}

func TestSharedSecret(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const path, secret = "/_synapse/admin/v1/register", "complement"
		w := newWorld(t, db, account.Options{SharedSecret: secret})
		sign := func(parts ...string) string {
			mac := hmac.New(sha1.New, []byte(secret))
			mac.Write([]byte(strings.Join(parts, "\x00")))
			return hex.EncodeToString(mac.Sum(nil))
		}
		nonce := func() string { return w.get("", path).ok().str("nonce") }
		request := func(n, name string, admin bool) obj {
			role := "notadmin"
			if admin {
				role = "admin"
			}
			return obj{"nonce": n, "username": name, "password": "long enough", "admin": admin, "mac": sign(n, name, "long enough", role)}
		}
		a := w.post("", path, request(nonce(), "Ada", true)).ok()
		if a.str("user_id") != "@ada:one.example" || a.str("access_token") == "" || a.str("device_id") == "" {
			t.Errorf("got %s", a.body)
		}
		w.get(a.str("access_token"), about("lock", "@nobody:one.example")).want(http.StatusNotFound, matrix.NotFound)

		n := nonce()
		w.post("", path, request(n, "us,er", false)).want(http.StatusBadRequest, matrix.InvalidUsername)
		w.post("", path, request(n, "user", false)).want(http.StatusBadRequest, matrix.Unknown) // used
		w.post("", path, request("made up", "user", false)).want(http.StatusBadRequest, matrix.Unknown)
		forged := request(nonce(), "user", false)
		forged["admin"] = true
		w.post("", path, forged).want(http.StatusForbidden, matrix.Forbidden)
		w.post("", path, with(request(nonce(), "user", false), obj{"mac": "zz"})).want(http.StatusForbidden, matrix.Forbidden)
		n = nonce()
		w.post("", path, with(request(n, "bot", false), obj{"user_type": "bot", "mac": sign(n, "bot", "long enough", "notadmin", "bot")})).ok()
		late := nonce()
		w.pass(time.Minute)
		w.post("", path, request(late, "user", false)).want(http.StatusBadRequest, matrix.Unknown)

		off := newWorld(t, db, account.Options{})
		off.get("", path).want(http.StatusNotFound, matrix.Unrecognized)
		off.post("", path, request("", "user", false)).want(http.StatusNotFound, matrix.Unrecognized)
	})
}
