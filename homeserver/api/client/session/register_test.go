package session_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"plenum/homeserver/account"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/accounts"
	"plenum/storage/storagetest"
)

const (
	dummyFlow = `[{"stages":["m.login.dummy"]}]`
	tokenFlow = `[{"stages":["m.login.registration_token"]}]`
	termsFlow = `[{"stages":["m.login.terms"]}]`
	bothFlow  = `[{"stages":["m.login.registration_token","m.login.terms"]}]`
)

func wanted(name string) obj { return obj{"username": name, "password": "long enough"} }

func (w *world) register(name string, auth obj) answer {
	w.t.Helper()
	body := wanted(name)
	if auth != nil {
		body["auth"] = auth
	}
	return w.post("", v3+"/register", body)
}

// token makes a registration token called name.
func (w *world) token(name string, uses int64) {
	w.t.Helper()
	t := accounts.RegistrationToken{Token: name}
	if uses > 0 {
		t.UsesAllowed = &uses
	}
	if _, err := w.CreateRegistrationToken(w.t.Context(), t); err != nil {
		w.t.Fatal(err)
	}
}

var terms = []account.Policy{{ID: "privacy", Version: "1.2", Texts: map[string]account.PolicyText{
	"en": {Name: "Privacy", URL: "https://one.example/privacy.en"},
	"de": {Name: "Datenschutz", URL: "https://one.example/privacy.de"},
}}}

func TestRegistrationIsClosed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		w.token("invited", 0)
		w.register("ada", nil).want(http.StatusForbidden, matrix.Forbidden)
		w.register("ada", obj{"type": "m.login.dummy"}).want(http.StatusForbidden, matrix.Forbidden)
		w.get("", v3+"/register/available?username=ada").want(http.StatusForbidden, matrix.Forbidden)
		w.get("", v1+"/register/m.login.registration_token/validity?token=invited").want(http.StatusForbidden, matrix.Forbidden)
	})
}

func TestOpenRegistration(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{Registration: account.Open})
		w.post("", v3+"/register", nil).asks("", dummyFlow)
		session := w.register("Ada", nil).asks("", dummyFlow)
		a := w.register("Ada", obj{"type": "m.login.dummy", "session": session}).ok()
		if a.str("user_id") != "@ada:one.example" || a.str("device_id") == "" || a.has("refresh_token") || a.has("expires_in_ms") {
			t.Errorf("got %s", a.body)
		}
		me := &person{world: w, user: "@ada:one.example", device: a.str("device_id"), access: a.str("access_token")}
		if !me.isIn() {
			t.Error("the token is not good")
		}
		if !w.login("ada", "long enough", nil).isIn() {
			t.Error("cannot log in")
		}
		// In one request, as programs do it.
		bot := w.post("", v3+"/register", with(wanted("bot"), obj{"auth": obj{"type": "m.login.dummy"}, "device_id": "B", "initial_device_display_name": "bot's", "refresh_token": true})).ok()
		if bot.str("device_id") != "B" || bot.str("refresh_token") == "" || bot.str("expires_in_ms") != "3600000" {
			t.Errorf("got %s", bot.body)
		}
		if d := w.get(bot.str("access_token"), v3+"/devices/B").ok(); d.str("display_name") != "bot's" {
			t.Errorf("device %s", d.body)
		}
		quiet := w.post("", v3+"/register", with(wanted("quiet"), obj{"auth": obj{"type": "m.login.dummy"}, "inhibit_login": true})).ok()
		if quiet.str("user_id") != "@quiet:one.example" || quiet.has("access_token") || quiet.has("device_id") {
			t.Errorf("got %s", quiet.body)
		}
		nameless := w.post("", v3+"/register", obj{"password": "long enough", "auth": obj{"type": "m.login.dummy"}}).ok()
		if user := nameless.str("user_id"); !strings.HasPrefix(user, "@") || !strings.HasSuffix(user, ":one.example") {
			t.Errorf("got %s", nameless.body)
		}
	})
}

func TestRegistrationRefusals(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{Registration: account.Open})
		w.open("ada")
		dummy := obj{"type": "m.login.dummy"}
		for _, auth := range []obj{nil, dummy} {
			w.register("Ada", auth).want(http.StatusBadRequest, matrix.UserInUse)
			w.register("not a name", auth).want(http.StatusBadRequest, matrix.InvalidUsername)
			w.post("", v3+"/register", obj{"username": "bob", "password": "short", "auth": auth}).want(http.StatusBadRequest, matrix.WeakPassword)
		}
		w.post("", v3+"/register", obj{"username": "bob", "auth": dummy}).want(http.StatusBadRequest, matrix.MissingParam)
		w.post("", v3+"/register", with(wanted("bob"), obj{"auth": dummy, "device_id": strings.Repeat("D", 256)})).want(http.StatusBadRequest, matrix.InvalidParam)
		w.post("", v3+"/register?kind=guest", nil).want(http.StatusForbidden, matrix.GuestAccessForbidden)
		w.post("", v3+"/register?kind=other", nil).want(http.StatusBadRequest, matrix.InvalidParam)
		w.post("", v3+"/register", obj{"type": "m.login.application_service", "username": "bob"}).want(http.StatusUnauthorized, matrix.MissingToken)

		if a := w.get("", v3+"/register/available?username=bob").ok(); a.str("available") != "true" {
			t.Errorf("got %s", a.body)
		}
		w.get("", v3+"/register/available?username=ada").want(http.StatusBadRequest, matrix.UserInUse)
		w.get("", v3+"/register/available?username=a,b").want(http.StatusBadRequest, matrix.InvalidUsername)
		w.get("", v3+"/register/available").want(http.StatusBadRequest, matrix.MissingParam)
	})
}

func TestRegistrationByToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{Registration: account.ByToken, Terms: terms})
		w.token("once", 1)
		valid := func(token string) string {
			return w.get("", v1+"/register/m.login.registration_token/validity?token="+token).ok().str("valid")
		}
		if valid("once") != "true" || valid("twice") != "false" || valid("a%20b") != "false" {
			t.Error("validity is wrong")
		}
		ask := w.register("ada", nil)
		session := ask.asks("", bothFlow)
		policy := gjson.GetBytes(ask.body, `params.m\.login\.terms.policies.privacy`)
		if policy.Get("version").Str != "1.2" || policy.Get("de.name").Str != "Datenschutz" || policy.Get("en.url").Str != "https://one.example/privacy.en" {
			t.Errorf("terms: %s", policy)
		}
		stage := func(name string, more obj) obj { return with(obj{"type": name, "session": session}, more) }
		w.register("ada", stage("m.login.terms", nil)).asks(matrix.Unrecognized, bothFlow)
		w.register("ada", stage("m.login.dummy", nil)).asks(matrix.Unrecognized, bothFlow)
		w.register("ada", stage("m.login.registration_token", obj{"token": "twice"})).asks(matrix.Forbidden, bothFlow)
		w.register("ada", stage("m.login.registration_token", obj{"token": 7})).asks(matrix.BadJSON, bothFlow)
		next := w.register("ada", stage("m.login.registration_token", obj{"token": "once"}))
		if next.asks("", bothFlow) != session || next.str("completed") != `["m.login.registration_token"]` {
			t.Errorf("after the token: %s", next.body)
		}
		w.register("ada", stage("m.login.terms", nil)).ok()
		if valid("once") != "false" {
			t.Error("the token is not used up")
		}
		session = w.register("bob", nil).asks("", bothFlow)
		w.register("bob", stage("m.login.registration_token", obj{"token": "once"})).asks(matrix.Forbidden, bothFlow)

		if err := w.RevokeRegistrationToken(t.Context(), "once"); err != nil {
			t.Error(err)
		}
		if err := w.RevokeRegistrationToken(t.Context(), "once"); !matrix.IsCode(err, matrix.NotFound) {
			t.Errorf("revoked twice: %v", err)
		}
	})
}

// Two people hold a token that is good for one of them.
func TestLastUseOfAToken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{Registration: account.ByToken, Terms: terms})
		w.token("once", 1)
		var sessions []string
		for i := range 4 {
			name := fmt.Sprint("u", i)
			s := w.register(name, nil).asks("", bothFlow)
			w.register(name, obj{"type": "m.login.registration_token", "token": "once", "session": s}).asks("", bothFlow)
			sessions = append(sessions, s)
		}
		answers := make([]answer, len(sessions))
		var all sync.WaitGroup
		for i, s := range sessions {
			all.Go(func() {
				answers[i] = w.register(fmt.Sprint("u", i), obj{"type": "m.login.terms", "session": s})
			})
		}
		all.Wait()
		opened := 0
		for i, a := range answers {
			if a.status == http.StatusOK {
				opened++
				continue
			}
			if s := a.asks(matrix.Forbidden, bothFlow); s != sessions[i] || a.has("completed") {
				t.Errorf("got %s", a.body)
			}
		}
		if opened != 1 {
			t.Errorf("%d accounts were opened with a token for one", opened)
		}
	})
}

func TestTermsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{Registration: account.Open, Terms: terms})
	session := w.register("ada", nil).asks("", termsFlow)
	w.register("ada", obj{"type": "m.login.terms", "session": session}).ok()
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{Registration: account.ByToken})
	expires := w.opt.Now().Add(time.Hour).UnixMilli()
	made, err := w.CreateRegistrationToken(t.Context(), accounts.RegistrationToken{ExpiresMS: &expires, Note: "for the evening"})
	if err != nil || made.Token == "" {
		t.Fatal(made, err)
	}
	w.register("ada", obj{"type": "m.login.registration_token", "token": made.Token}).ok()
	w.pass(time.Hour)
	w.register("bob", obj{"type": "m.login.registration_token", "token": made.Token}).asks(matrix.Forbidden, tokenFlow)
	zero := int64(0)
	for _, bad := range []accounts.RegistrationToken{
		{Token: made.Token}, {Token: "a b"}, {Token: strings.Repeat("a", 65)}, {UsesAllowed: &zero}, {ExpiresMS: &expires}, {Note: "\x00"},
	} {
		if _, err := w.CreateRegistrationToken(t.Context(), bad); !matrix.IsCode(err, matrix.InvalidParam) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if all, err := w.RegistrationTokens(t.Context()); err != nil || len(all) != 1 || all[0].Used != 1 || all[0].Note != "for the evening" {
		t.Errorf("got %+v, %v", all, err)
	}
}

// The server is restarted while somebody registers: the client is asked again.
func TestRestartWhileRegistering(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{Registration: account.ByToken, Terms: terms})
		w.token("once", 1)
		old := w.register("ada", nil).asks("", bothFlow)
		w.register("ada", obj{"type": "m.login.registration_token", "token": "once", "session": old}).asks("", bothFlow)
		w.restart()
		session := w.register("ada", obj{"type": "m.login.terms", "session": old}).asks(matrix.Unrecognized, bothFlow)
		w.register("ada", obj{"type": "m.login.registration_token", "token": "once", "session": session}).asks("", bothFlow)
		a := w.register("ada", obj{"type": "m.login.terms", "session": session}).ok()
		w.restart()
		me := &person{world: w, user: a.str("user_id"), device: a.str("device_id"), access: a.str("access_token")}
		if !me.isIn() {
			t.Error("the session is lost with a restart")
		}
	})
}

// Somebody takes the name while the client goes through the stages.
func TestNameIsTakenMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storagetest.Open(t, storage.SQLite), account.Options{Registration: account.ByToken, Terms: terms})
	w.token("once", 1)
	s := w.register("ada", nil).asks("", bothFlow)
	w.register("ada", obj{"type": "m.login.registration_token", "token": "once", "session": s}).asks("", bothFlow)
	w.open("ada")
	w.register("ada", obj{"type": "m.login.terms", "session": s}).want(http.StatusBadRequest, matrix.UserInUse)
	w.register("eve", obj{"type": "m.login.terms", "session": s}).ok()
}

func TestFirstAccount(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		w := newWorld(t, db, account.Options{})
		ctx := t.Context()
		token, err := w.Bootstrap(ctx)
		if err != nil || token == "" {
			t.Fatal(token, err)
		}
		w.restart()
		if again, _ := w.Bootstrap(ctx); again != token {
			t.Error("the link is another after a restart")
		}
		first := w.First()
		for _, bad := range []string{"", "x", token + "x"} {
			if ok, err := first.Invited(ctx, bad); ok || err != nil {
				t.Errorf("%q: %v, %v", bad, ok, err)
			}
			if _, err := first.Create(ctx, bad, "eve", "long enough"); !matrix.IsCode(err, matrix.NotFound) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		if _, err := first.Create(ctx, token, "ada", "short"); !matrix.IsCode(err, matrix.WeakPassword) {
			t.Errorf("got %v", err)
		}
		var made int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				if _, err := first.Create(ctx, token, fmt.Sprint("ada", i), "long enough"); err == nil {
					mu.Lock()
					made++
					mu.Unlock()
				} else if !matrix.IsCode(err, matrix.NotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if made != 1 {
			t.Errorf("%d first accounts", made)
		}
		list, err := w.List(ctx, "", 10)
		if err != nil || len(list) != 1 || !list[0].Admin {
			t.Errorf("got %+v, %v", list, err)
		}
		if again, err := w.Bootstrap(ctx); again != "" || err != nil {
			t.Errorf("a link after the first account: %q, %v", again, err)
		}
	})
}
