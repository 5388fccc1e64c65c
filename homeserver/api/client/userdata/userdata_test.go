package userdata_test

import (
	"strings"
	"testing"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestAccountData(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		for _, colour := range []string{of("ada", "account_data", "org.example.colour"), of("ada", "rooms", "!r", "account_data", "org.example.colour")} {
			ada.refused("GET", colour, "", 404, matrix.NotFound)
			ada.want("PUT", colour, `{"colour": "green"}`, 200, `{}`)
			ada.want("GET", colour, "", 200, `{"colour":"green"}`)
			bob.refused("GET", colour, "", 403, matrix.Forbidden)
			bob.refused("PUT", colour, `{}`, 403, matrix.Forbidden)
			ada.refused("PUT", colour, `[]`, 400, matrix.BadJSON)
			ada.refused("PUT", colour, `nonsense`, 400, matrix.NotJSON)
			gone := strings.Replace(colour, v3, "/_matrix/client/unstable/org.matrix.msc3391", 1)
			bob.refused("DELETE", gone, "", 403, matrix.Forbidden)
			ada.want("DELETE", gone, "", 200, `{}`)
			ada.refused("GET", colour, "", 404, matrix.NotFound)
			ada.want("DELETE", gone, "", 200, `{}`)
		}
		for _, typ := range []string{"m.fully_read", "m.push_rules"} {
			ada.refused("PUT", of("ada", "account_data", typ), `{}`, 405, matrix.BadJSON)
			ada.refused("PUT", of("ada", "rooms", "!r", "account_data", typ), `{}`, 405, matrix.BadJSON)
		}
		ada.refused("PUT", of("ada", "rooms", "r", "account_data", "a"), `{"a":1}`, 400, matrix.InvalidParam)
	})
}

func TestTags(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		tags := of("ada", "rooms", "!r", "tags")
		ada.want("GET", tags, "", 200, `{"tags":{}}`)
		ada.want("PUT", tags+"/u.work", `{"order":0.5}`, 200, `{}`)
		ada.want("PUT", tags+"/u.a%2Fb", `{}`, 200, `{}`)
		ada.want("GET", tags, "", 200, `{"tags":{"u.a/b":{},"u.work":{"order":0.5}}}`)
		ada.want("DELETE", tags+"/u.work", "", 200, `{}`)
		ada.want("GET", tags, "", 200, `{"tags":{"u.a/b":{}}}`)
		ada.refused("PUT", tags+"/u.x", `{"order":"first"}`, 400, matrix.BadJSON)
		bob.refused("GET", tags, "", 403, matrix.Forbidden)
		bob.refused("PUT", tags+"/u.x", `{}`, 403, matrix.Forbidden)
		bob.refused("DELETE", tags+"/u.x", "", 403, matrix.Forbidden)
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		filters := of("ada", "filter")
		_, answer := ada.try("POST", filters, `{"room":{"timeline":{"limit":10}}}`)
		name := answer.Get("filter_id").Str
		ada.want("POST", filters, `{"room": {"timeline": {"limit": 10}}}`, 200, `{"filter_id":"`+name+`"}`)
		ada.want("GET", filters+"/"+name, "", 200, `{"room":{"timeline":{"limit":10}}}`)
		ada.refused("GET", filters+"/none", "", 404, matrix.NotFound)
		ada.refused("POST", filters, `{"room":{"rooms":"not a list"}}`, 400, matrix.BadJSON)
		bob.refused("POST", filters, `{}`, 403, matrix.Forbidden)
		bob.refused("GET", filters+"/"+name, "", 403, matrix.Forbidden)
	})
}

func TestReceipts(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		room, said := w.room("ada")
		receipt := func(kind string) string { return path("rooms", room, "receipt", kind, said) }
		for _, kind := range []string{"m.read", "m.read.private", "m.fully_read"} {
			ada.want("POST", receipt(kind), `{}`, 200, `{}`)
			ada.want("POST", receipt(kind), ``, 200, `{}`)
			bob.refused("POST", receipt(kind), `{}`, 403, matrix.Forbidden)
		}
		ada.want("GET", of("ada", "rooms", room, "account_data", "m.fully_read"), "", 200, `{"event_id":"`+said+`"}`)
		ada.want("POST", receipt("m.read"), `{"thread_id":"main"}`, 200, `{}`)
		for _, thread := range []string{`""`, `7`, `null`, `{}`, `"$none"`} {
			ada.refused("POST", receipt("m.read"), `{"thread_id":`+thread+`}`, 400, matrix.InvalidParam)
		}
		ada.refused("POST", receipt("m.fully_read"), `{"thread_id":"main"}`, 400, matrix.InvalidParam)
		ada.refused("POST", receipt("m.unread"), `{}`, 400, matrix.InvalidParam)
		ada.refused("POST", path("rooms", room, "receipt", "m.read", "$none"), `{}`, 404, matrix.NotFound)
	})
}

func TestReadMarkers(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		room, said := w.room("ada")
		markers := path("rooms", room, "read_markers")
		ada.want("POST", markers, `{}`, 200, `{}`)
		ada.want("POST", markers, `{"m.fully_read":"`+said+`","m.read":"`+said+`","m.read.private":"`+said+`"}`, 200, `{}`)
		ada.want("GET", of("ada", "rooms", room, "account_data", "m.fully_read"), "", 200, `{"event_id":"`+said+`"}`)
		ada.refused("POST", markers, `{"m.fully_read":7}`, 400, matrix.BadJSON)
		ada.refused("POST", markers, `{"m.read":"$none"}`, 404, matrix.NotFound)
		bob.refused("POST", markers, `{"m.read":"`+said+`"}`, 403, matrix.Forbidden)
	})
}

func TestTyping(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob := w.as("ada"), w.as("bob")
		room, _ := w.room("ada")
		typing := path("rooms", room, "typing", "@ada:"+here)
		for _, body := range []string{`{"typing":true}`, `{"typing":true,"timeout":0}`, `{"typing":true,"timeout":30000}`, `{"typing":true,"timeout":1e300}`, `{"typing":true,"timeout":1.5}`, `{"typing":false}`} {
			ada.want("PUT", typing, body, 200, `{}`)
		}
		ada.refused("PUT", typing, `{}`, 400, matrix.MissingParam)
		ada.refused("PUT", typing, `{"typing":"yes"}`, 400, matrix.BadJSON)
		bob.refused("PUT", typing, `{"typing":true}`, 403, matrix.Forbidden)
		bob.refused("PUT", path("rooms", room, "typing", "@bob:"+here), `{"typing":true}`, 403, matrix.Forbidden)
	})
}

func TestPresence(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		ada, bob, eve := w.as("ada"), w.as("bob"), w.as("eve")
		w.room("ada", "bob")
		status := path("presence", "@ada:"+here, "status")
		bob.want("GET", status, "", 200, `{"presence":"offline"}`)
		ada.want("PUT", status, `{"presence":"online","status_msg":"cooking"}`, 200, `{}`)
		if _, answer := bob.try("GET", status, ""); answer.Get("presence").Str != "online" || answer.Get("status_msg").Str != "cooking" || !answer.Get("currently_active").Bool() || answer.Get("last_active_ago").Int() > 60_000 {
			w.Errorf("bob sees %s", answer.Raw)
		}
		ada.want("PUT", status, `{"presence":"unavailable","status_msg":null}`, 200, `{}`)
		if _, answer := bob.try("GET", status, ""); answer.Get("presence").Str != "unavailable" || answer.Get("status_msg").Exists() {
			w.Errorf("then bob sees %s", answer.Raw)
		}
		eve.refused("GET", status, "", 403, matrix.Forbidden)
		bob.refused("PUT", status, `{"presence":"offline"}`, 403, matrix.Forbidden)
		ada.refused("PUT", status, `{"presence":"asleep"}`, 400, matrix.InvalidParam)
		ada.refused("PUT", status, `{}`, 400, matrix.InvalidParam)
	})
}

// FuzzBodies sends any body to every endpoint that takes one: no answer may
// be the server's fault.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `{"thread_id":"main"}`, `{"thread_id":"$\u0000"}`, `{"m.read":"$x","m.fully_read":""}`, `{"typing":true,"timeout":-1e400}`,
		`{"presence":"online","status_msg":"\ud800"}`, `{"order":1e-400}`, `{"ignored_users":{"":[]}}`, `{"tags":{"a":null}}`, "\xff", `{"a":1,"a":2}`,
	} {
		f.Add(body)
	}
	w := serve(f, storagetest.Open(f, storage.SQLite))
	room, said := w.room("ada")
	f.Fuzz(func(t *testing.T, body string) {
		here := &world{TB: t, mux: w.mux, rooms: w.rooms}
		ada := here.as("ada")
		for _, to := range []string{
			of("ada", "account_data", "m.ignored_user_list"), of("ada", "rooms", room, "account_data", "m.tag"),
			of("ada", "rooms", room, "tags", "u.x"), path("rooms", room, "typing", "@ada:one.example"), path("presence", "@ada:one.example", "status"),
		} {
			ada.try("PUT", to, body)
		}
		for _, to := range []string{path("rooms", room, "receipt", "m.read", said), path("rooms", room, "read_markers"), of("ada", "filter")} {
			ada.try("POST", to, body)
		}
		ada.try("GET", of("ada", "rooms", room, "tags"), "")
	})
}
