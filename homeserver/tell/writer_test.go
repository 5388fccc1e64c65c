package tell_test

import (
	"encoding/json"
	"testing"

	"plenum/homeserver/tell"
)

func TestTheWriterWritesJSON(t *testing.T) {
	t.Parallel()
	w := tell.Writer{Buf: []byte{'{'}}
	w.Name("number")
	w.Int(-7)
	empty := w.Open("nothing in it")
	inner := w.Open("nor here")
	w.Close(inner)
	w.CloseEvents(w.OpenEvents("nor here"))
	w.Close(empty)
	full := w.Open(`"quoted" \ and` + "\n\x7fé")
	w.OpenList("empty list")
	w.CloseList()
	w.OpenList("list")
	w.Text("one")
	w.Text("")
	w.Raw([]byte(`{"raw":true}`))
	w.Bool(false)
	w.CloseList()
	w.Close(full)
	events := w.OpenEvents("events")
	w.Event("m.a", []byte(`{}`), "@ada:one.example")
	w.Event("m.b", []byte(`{"x":1}`), "")
	w.CloseEvents(events)
	w.Buf = append(w.Buf, '}')

	const want = `{"number":-7,"\"quoted\" \\ and\n` + "\x7fé" + `":{"empty list":[],"list":["one","",{"raw":true},false]},` +
		`"events":{"events":[{"content":{},"sender":"@ada:one.example","type":"m.a"},{"content":{"x":1},"type":"m.b"}]}}`
	if got := string(w.Buf); got != want || !json.Valid(w.Buf) {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
}
