package homeserver_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"plenum/internal/httpx"
)

// TestHostileServers sends every endpoint for other servers, well signed, what
// no good server would. Whatever comes, it is answered as the sender's mistake.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	faults := &faults{}
	e := newEnemy(t, "12", slog.New(faults))
	names := []string{string(e.room), string(e.ada.User), string(e.eve.User), string(e.eve.Last.ID), "#tea:one.example", "x", "!", "@", "$", "%F0%9F%92%A9", "%00", "%FF", strings.Repeat("a", 300)}
	bodies := []string{
		``, `{`, `7`, `null`, `[]`, `"x"`, `{}`, "\xff", strings.Repeat(`{"a":`, 300) + `1` + strings.Repeat(`}`, 300), `{"a":1,"a":2}`, `{"a":1e400}`,
		`{"pdus":7}`, `{"pdus":[null],"edus":[null]}`, `{"event":7,"room_version":12}`, `{"event":{},"room_version":"12","invite_room_state":[7]}`, `{"event":null,"room_version":"99"}`,
		`{"device_keys":{"@ada:one.example":7}}`, `{"one_time_keys":{"@ada:one.example":{"X":7}}}`, `{"device_keys":null,"one_time_keys":null}`,
		`{"earliest_events":7,"latest_events":["$x",null],"limit":-1}`, `{"earliest_events":[],"latest_events":[],"limit":99999999999999999999}`,
		`{"filter":{"room_types":7}}`, `{"since":"x","limit":-7}`, `{"mxid":7}`, string(e.eve.Last.JSON), `{"type":"m.room.member","room_id":"` + string(e.room) + `"}`,
	}
	queries := []string{"", "?event_id=x&v=x&limit=x", "?event_id=" + url.QueryEscape(string(e.eve.Last.ID)) + "&v=$x&v=&limit=-1", "?ts=x&dir=x", "?ts=99999999999999999999&dir=b", "?ts=-1&dir=f",
		"?ver=x", "?ver=12", "?user_id=x&room_alias=x", "?user_id=@ada:one.example&field=x", "?room_alias=" + url.QueryEscape("#tea:one.example"), "?omit_members=x", "?width=-1&height=x", "?width=99999&height=1&method=x", "?%zz", "?a=%FF"}
	parameter := regexp.MustCompile(`\{[^}]+\}`)
	for _, r := range e.one.Homeserver().Routes() {
		if r.Access != httpx.Server {
			continue
		}
		for _, pattern := range r.Paths() {
			for i, name := range names {
				at := i
				path := parameter.ReplaceAllStringFunc(pattern, func(string) string {
					name = names[at%len(names)]
					at += 1 + i
					if strings.HasPrefix(name, "%") {
						return name
					}
					return url.PathEscape(name)
				})
				if r.Method == http.MethodGet {
					for _, q := range queries {
						e.probe(r.Method, path+q, nil)
					}
					continue
				}
				for _, body := range bodies {
					e.probe(r.Method, path, []byte(body))
				}
			}
		}
	}
	if n := faults.count.Load(); n > 0 {
		t.Errorf("%d faults of the server", n)
	}
	e.ada.WaitFor(e.room, e.eve.Say(e.one, "as before").ID)
}

// probe makes a request that must not be the server's fault.
func (e *enemy) probe(method, path string, body []byte) {
	e.Helper()
	if body == nil {
		body = []byte{}
	}
	status, a := e.evil.Ask(e.one, method, path, body)
	if status >= 500 && status != http.StatusGatewayTimeout || status == 0 {
		e.Errorf("%s %s with %.200s: status %d, %s", method, path, body, status, a.Raw)
	}
	if status >= 400 && !json.Valid([]byte(a.Raw)) {
		e.Errorf("%s %s: status %d without JSON", method, path, status)
	}
}
