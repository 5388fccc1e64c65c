package sync

import (
	"encoding/json"
	"testing"
)

func TestTheWriterWritesJSON(t *testing.T) {
	t.Parallel()
	w := writer{buf: []byte{'{'}}
	w.name("number")
	w.int(-7)
	empty := w.open("nothing in it")
	inner := w.open("nor here")
	w.close(inner)
	w.closeEvents(w.openEvents("nor here"))
	w.close(empty)
	full := w.open(`"quoted" \ and` + "\n\x7fé")
	w.openList("empty list")
	w.closeList()
	w.openList("list")
	w.text("one")
	w.text("")
	w.raw([]byte(`{"raw":true}`))
	w.bool(false)
	w.closeList()
	w.close(full)
	events := w.openEvents("events")
	w.event("m.a", []byte(`{}`), "@ada:one.example")
	w.event("m.b", []byte(`{"x":1}`), "")
	w.closeEvents(events)
	w.buf = append(w.buf, '}')

	const want = `{"number":-7,"\"quoted\" \\ and\n` + "\x7fé" + `":{"empty list":[],"list":["one","",{"raw":true},false]},` +
		`"events":{"events":[{"content":{},"sender":"@ada:one.example","type":"m.a"},{"content":{"x":1},"type":"m.b"}]}}`
	if got := string(w.buf); got != want || !json.Valid(w.buf) {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
}
