package server

import (
	"encoding/json"
	"strconv"
	"time"

	"plenum/internal/httpx"
	"plenum/rooms"
)

// answer writes JSON around events as they are stored, which are not encoded
// again: answers can be as large as a room.
type answer struct{ json []byte }

// newAnswer begins an object in which there is place for events.
func newAnswer(events ...[]rooms.Served) *answer {
	size := 1024
	for _, list := range events {
		for _, e := range list {
			size += len(e.JSON) + 1
		}
	}
	return &answer{append(make([]byte, 0, size), '{')}
}

func (a *answer) name(name string) {
	if a.json[len(a.json)-1] != '{' {
		a.json = append(a.json, ',')
	}
	a.json = append(strconv.AppendQuote(a.json, name), ':')
}

// events adds a list of events.
func (a *answer) events(name string, list []rooms.Served) {
	a.name(name)
	a.json = append(a.json, '[')
	for i, e := range list {
		if i > 0 {
			a.json = append(a.json, ',')
		}
		a.json = append(a.json, e.JSON...)
	}
	a.json = append(a.json, ']')
}

// ids adds a list of the ids of events.
func (a *answer) ids(name string, list []rooms.Served) {
	a.name(name)
	a.json = append(a.json, '[')
	for i, e := range list {
		if i > 0 {
			a.json = append(a.json, ',')
		}
		a.json = append(a.json, quoted(string(e.ID))...)
	}
	a.json = append(a.json, ']')
}

// raw adds what is JSON already.
func (a *answer) raw(name string, value []byte) {
	a.name(name)
	a.json = append(a.json, value...)
}

func (a *answer) text(name, value string) { a.raw(name, quoted(value)) }

// end returns the whole object.
func (a *answer) end() httpx.JSON { return append(a.json, '}') }

// quoted writes s as a JSON string.
func quoted(s string) []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // strings always marshal
	}
	return raw
}

// transaction is the form in which events are handed out, oldest or newest
// first.
//
// Spec: server-server-api#transactions
func (a *API) transaction(events []rooms.Served) httpx.JSON {
	out := newAnswer(events)
	out.text("origin", a.rooms.ServerName())
	out.raw("origin_server_ts", strconv.AppendInt(nil, time.Now().UnixMilli(), 10))
	out.events("pdus", events)
	return out.end()
}
