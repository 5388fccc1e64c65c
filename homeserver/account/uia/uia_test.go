package uia

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

const ada = id.UserID("@ada:one.example")

// desk is an Engine whose stage "secret" wants {"word":"open"}, and proves it.
type desk struct {
	*Engine
	t     *testing.T
	clock atomic.Int64 // seconds
}

func newDesk(t *testing.T, opt Options) *desk {
	d := &desk{t: t}
	opt.Now = func() time.Time { return time.Unix(d.clock.Load(), 0) }
	opt.Stages = map[string]Stage{
		Dummy: func(context.Context, Request, json.RawMessage) (string, error) { return "", nil },
		Terms: func(context.Context, Request, json.RawMessage) (string, error) { return "", nil },
		"secret": func(_ context.Context, r Request, auth json.RawMessage) (string, error) {
			var sub struct{ Word string }
			if err := json.Unmarshal(auth, &sub); err != nil {
				return "", &Refusal{matrix.BadJSON, "not a word"}
			}
			switch sub.Word {
			case "open":
				return string(r.User) + " knows", nil
			case "never":
				return "", matrix.Errorf(matrix.Forbidden, "not you")
			}
			return "", &Refusal{matrix.Forbidden, "wrong word"}
		},
	}
	d.Engine = New(opt)
	return d
}

// question is what a client is asked.
type question struct {
	Code      matrix.Code
	Session   string
	Completed []string
	Flows     [][]string
	Params    map[string]any
}

// ask makes a request and returns the grant or what is asked for.
func (d *desk) ask(r Request, auth string) (*Grant, question) {
	d.t.Helper()
	g, err := d.Authorise(d.t.Context(), r, json.RawMessage(auth))
	if err == nil {
		return g, question{}
	}
	return nil, d.read(err)
}

func (d *desk) read(err error) (q question) {
	d.t.Helper()
	var e *matrix.Error
	if !errors.As(err, &e) || e.HTTPStatus() != http.StatusUnauthorized {
		d.t.Fatalf("not a question: %v", err)
	}
	q.Code, q.Session, q.Params = e.Code, e.Extra["session"].(string), e.Extra["params"].(map[string]any)
	q.Completed, _ = e.Extra["completed"].([]string)
	for _, f := range e.Extra["flows"].([]flow) {
		q.Flows = append(q.Flows, f.Stages)
	}
	return q
}

func auth(stage, session, more string) string {
	return fmt.Sprintf(`{"type":%q,"session":%q%s}`, stage, session, more)
}

const open = `,"word":"open"`

func single() Request {
	return Request{Operation: "delete", User: ada, Subject: "D", Flows: []Flow{{"secret"}}}
}

func TestOneStage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	g, q := d.ask(single(), "")
	if g != nil || q.Code != "" || q.Session == "" || fmt.Sprint(q.Flows) != "[[secret]]" || q.Params == nil || q.Completed != nil {
		t.Fatalf("first answer: %+v", q)
	}
	if g, again := d.ask(single(), auth("secret", q.Session, `,"word":"shut"`)); g != nil || again.Code != matrix.Forbidden || again.Session != q.Session {
		t.Errorf("wrong word: %+v", again)
	}
	g, _ = d.ask(single(), auth("secret", q.Session, open))
	if g == nil || g.Proof("secret") != "@ada:one.example knows" || g.Proof(Dummy) != "" {
		t.Fatalf("right word: %+v", g)
	}
	if g, _ := d.ask(single(), auth("", q.Session, "")); g == nil {
		t.Error("a request that failed for another reason cannot be repeated")
	}
	g.Spend()
	if g, next := d.ask(single(), auth("", q.Session, "")); g != nil || next.Session == q.Session {
		t.Errorf("a session is good for a second request: %+v", next)
	}
}

func TestWithoutSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	if g, q := d.ask(single(), `{"type":"secret","word":"open"}`); g == nil {
		t.Errorf("credentials in the first request are not enough: %+v", q)
	}
	if g, q := d.ask(single(), `{"type":"secret"}`); g != nil || q.Code != matrix.Forbidden || q.Session == "" {
		t.Errorf("got %+v", q)
	}
	for _, nothing := range []string{"{}", "null"} {
		if g, q := d.ask(single(), nothing); g != nil || q.Code != "" {
			t.Errorf("%s: %+v", nothing, q)
		}
	}
}

// After a restart the session is unknown, and what is submitted still counts.
func TestUnknownSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	if g, _ := d.ask(single(), auth("secret", "of before", open)); g == nil {
		t.Error("good credentials are refused for an unknown session")
	}
	if g, q := d.ask(single(), auth("", "of before", "")); g != nil || q.Session == "of before" {
		t.Errorf("got %+v", q)
	}
}

func TestOrderOfStages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	r := Request{Operation: "register", Flows: []Flow{{"secret", Terms}, {"secret", Dummy}}, Params: map[string]any{Terms: "text", "other": 1}}
	_, q := d.ask(r, "")
	if fmt.Sprint(q.Flows) != "[[secret m.login.terms] [secret m.login.dummy]]" || fmt.Sprint(q.Params) != "map[m.login.terms:text]" {
		t.Errorf("got %+v", q)
	}
	for _, stage := range []string{Terms, Dummy, "unknown", RegistrationToken} {
		if g, q := d.ask(r, auth(stage, q.Session, "")); g != nil || q.Code != matrix.Unrecognized || len(q.Completed) > 0 || len(q.Flows) != 2 {
			t.Errorf("%s out of turn: %+v", stage, q)
		}
	}
	if g, q := d.ask(r, auth("secret", q.Session, open)); g != nil || q.Code != "" || fmt.Sprint(q.Completed) != "[secret]" {
		t.Errorf("after the first stage: %+v", q)
	}
	if g, q := d.ask(r, auth("secret", q.Session, `,"word":"shut"`)); g != nil || q.Code != "" || fmt.Sprint(q.Completed) != "[secret]" {
		t.Errorf("a completed stage is tried again: %+v", q)
	}
	g, _ := d.ask(r, auth(Dummy, q.Session, ""))
	if g == nil {
		t.Fatal("not let through")
	}

	back := d.read(g.Revoke("secret", &Refusal{matrix.Forbidden, "no longer"}))
	if back.Code != matrix.Forbidden || len(back.Completed) != 0 || back.Session != q.Session {
		t.Errorf("revoked: %+v", back)
	}
	if g, _ := d.ask(r, auth("", q.Session, "")); g != nil {
		t.Error("let through with a stage that was taken back")
	}
}

func TestSessionIsForOneRequest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	_, q := d.ask(single(), "")
	if _, next := d.ask(single(), auth("secret", q.Session, `,"word":"shut"`)); next.Session != q.Session {
		t.Fatal("lost the session")
	}
	others := map[string]func(*Request){
		"operation": func(r *Request) { r.Operation = "other" },
		"subject":   func(r *Request) { r.Subject = "E" },
		"user":      func(r *Request) { r.User = "@bob:one.example" },
		"nobody":    func(r *Request) { r.User = "" },
	}
	for name, change := range maps.All(others) {
		r := single()
		change(&r)
		g, other := d.ask(r, auth("secret", q.Session, open))
		if g != nil || other.Code != matrix.Forbidden || other.Session == q.Session {
			t.Errorf("a session is good for another %s: %+v", name, other)
		}
	}
	if g, _ := d.ask(single(), auth("secret", q.Session, open)); g == nil {
		t.Error("misuse has ended the session of the right request")
	}
}

func TestHardRefusal(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	_, err := d.Authorise(t.Context(), single(), json.RawMessage(`{"type":"secret","word":"never"}`))
	var e *matrix.Error
	if !errors.As(err, &e) || e.HTTPStatus() != http.StatusForbidden || e.Extra != nil {
		t.Errorf("got %v", err)
	}
	for _, bad := range []string{`[]`, `"x"`, `{"type":1}`, `{"session":{}}`} {
		if _, err := d.Authorise(t.Context(), single(), json.RawMessage(bad)); !matrix.IsCode(err, matrix.BadJSON) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Life: time.Minute})
	r := Request{Operation: "register", Flows: []Flow{{"secret", Dummy}}}
	_, q := d.ask(r, "")
	d.ask(r, auth("secret", q.Session, open))
	d.clock.Add(59)
	if _, next := d.ask(r, auth("", q.Session, "")); next.Session != q.Session {
		t.Error("ended too early")
	}
	d.clock.Add(1)
	if g, next := d.ask(r, auth(Dummy, q.Session, "")); g != nil || next.Session == q.Session {
		t.Error("lives for ever")
	}
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{Sessions: 3})
	_, mine := d.ask(single(), "")
	var anonymous []string
	for range 10 {
		_, q := d.ask(Request{Operation: "register", Flows: []Flow{{"secret", Dummy}}}, "")
		anonymous = append(anonymous, q.Session)
	}
	if n := len(d.sessions.anonymous.byID); n != 3 {
		t.Errorf("%d sessions are kept, want 3", n)
	}
	alive := slices.DeleteFunc(anonymous, func(s string) bool { return d.sessions.find(s, time.Unix(0, 0)) == nil })
	if len(alive) != 3 || d.sessions.find(mine.Session, time.Unix(0, 0)) == nil {
		t.Error("people without an account push out those who have one")
	}
	for range 10 { // sessions that were spent must not stay in the queue
		g, _ := d.ask(single(), `{"type":"secret","word":"open"}`)
		g.Spend()
	}
	if n := len(d.sessions.known.queue); n > 6 {
		t.Errorf("%d sessions in the queue", n)
	}
}

func TestFallback(t *testing.T) {
	t.Parallel()
	d := newDesk(t, Options{})
	r := Request{Operation: "register", Flows: []Flow{{"secret", Terms}}}
	_, q := d.ask(r, "")
	if done, err := d.Pending(q.Session, "secret"); done || err != nil {
		t.Errorf("got %v, %v", done, err)
	}
	for _, c := range [][2]string{{q.Session, Terms}, {q.Session, "unknown"}, {"unknown", "secret"}, {"", ""}} {
		if _, err := d.Pending(c[0], c[1]); !matrix.IsCode(err, matrix.NotFound) {
			t.Errorf("%q: %v", c, err)
		}
		if err := d.Complete(t.Context(), c[0], c[1], json.RawMessage(`{"word":"open"}`)); !matrix.IsCode(err, matrix.NotFound) {
			t.Errorf("%q: %v", c, err)
		}
	}
	var refusal *Refusal
	if err := d.Complete(t.Context(), q.Session, "secret", json.RawMessage(`{}`)); !errors.As(err, &refusal) || refusal.Code != matrix.Forbidden {
		t.Errorf("wrong word: %v", err)
	}
	if err := d.Complete(t.Context(), q.Session, "secret", json.RawMessage(`{"word":"open"}`)); err != nil {
		t.Fatal(err)
	}
	if done, err := d.Pending(q.Session, "secret"); !done || err != nil {
		t.Errorf("after completing: %v, %v", done, err)
	}
	if g, next := d.ask(r, auth("", q.Session, "")); g != nil || fmt.Sprint(next.Completed) != "[secret]" {
		t.Errorf("the client does not learn of it: %+v", next)
	}
	if err := d.Complete(t.Context(), q.Session, Terms, nil); err != nil {
		t.Fatal(err)
	}
	if g, _ := d.ask(r, auth("", q.Session, "")); g == nil {
		t.Error("not let through")
	}
}

func FuzzAuth(f *testing.F) {
	for _, s := range []string{``, `null`, `{}`, `[]`, `{"type":"secret","word":"open"}`, `{"type":"secret","session":1}`, `{"type":null,"session":null}`, "\xff", `{"type":"m.login.dummy","session":"x"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := newDesk(t, Options{})
		g, err := d.Authorise(t.Context(), single(), raw)
		var e *matrix.Error
		switch {
		case err == nil:
			if g.Proof("secret") == "" {
				t.Errorf("let through by %q", raw)
			}
		case !errors.As(err, &e) || e.HTTPStatus() >= 500:
			t.Errorf("%q: %v", raw, err)
		}
	})
}
