package tell

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"maunium.net/go/mautrix/id"
)

// Writer writes JSON to the end of Buf. Whether a comma is needed it sees from
// the byte before, so that nobody has to count.
type Writer struct{ Buf []byte }

// Part is an object or a list that was opened and is to be closed.
type Part struct{ start, inside int }

// next begins one more element of what is open.
func (w *Writer) next() {
	if n := len(w.Buf); n > 0 {
		switch w.Buf[n-1] {
		case '{', '[', ':':
		default:
			w.Buf = append(w.Buf, ',')
		}
	}
}

// Name begins a member of an object; its value follows.
func (w *Writer) Name(name string) {
	w.next()
	w.Buf = append(appendText(w.Buf, name), ':')
}

// Text writes a string.
func (w *Writer) Text(s string) {
	w.next()
	w.Buf = appendText(w.Buf, s)
}

// Int writes a number.
func (w *Writer) Int(n int64) {
	w.next()
	w.Buf = strconv.AppendInt(w.Buf, n, 10)
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) {
	w.next()
	w.Buf = strconv.AppendBool(w.Buf, b)
}

// Raw writes a value that is JSON already.
func (w *Writer) Raw(value []byte) {
	w.next()
	w.Buf = append(w.Buf, value...)
}

// Open begins a member that is an object.
func (w *Writer) Open(name string) Part { return w.begin(name, `{`) }

// Close ends an object. One with nothing in it is taken back.
func (w *Writer) Close(p Part) { w.end(p, `}`) }

// OpenList begins a member that is a list.
func (w *Writer) OpenList(name string) Part { return w.begin(name, `[`) }

// CloseList ends a list, which may be empty.
func (w *Writer) CloseList() { w.Buf = append(w.Buf, ']') }

// OpenEvents begins a member that is an object with a list of events.
func (w *Writer) OpenEvents(name string) Part { return w.begin(name, `{"events":[`) }

// CloseEvents ends a list of events. One without any is taken back.
func (w *Writer) CloseEvents(p Part) { w.end(p, `]}`) }

// KeepEvents ends a list of events that stays even when it is empty.
func (w *Writer) KeepEvents() { w.Buf = append(w.Buf, `]}`...) }

func (w *Writer) begin(name, bracket string) Part {
	p := Part{start: len(w.Buf)}
	w.Name(name)
	w.Buf = append(w.Buf, bracket...)
	p.inside = len(w.Buf)
	return p
}

func (w *Writer) end(p Part, bracket string) {
	if len(w.Buf) == p.inside {
		w.Buf = w.Buf[:p.start]
		return
	}
	w.Buf = append(w.Buf, bracket...)
}

// Event writes an event that is in no room's history. sender may be empty.
func (w *Writer) Event(typ string, content []byte, sender id.UserID) {
	w.next()
	w.Buf = append(append(w.Buf, `{"content":`...), content...)
	if sender != "" {
		w.Name("sender")
		w.Text(string(sender))
	}
	w.Name("type")
	w.Text(typ)
	w.Buf = append(w.Buf, '}')
}

// Users writes a member that is a list of users, unless it is empty.
func (w *Writer) Users(name string, users []id.UserID) {
	if len(users) == 0 {
		return
	}
	w.OpenList(name)
	for _, u := range users {
		w.Text(string(u))
	}
	w.CloseList()
}

// Stock writes how many keys a device has left to be given out. Clients upload
// more when these are few, and mistake silence for none.
//
// Spec: client-server-api#e2e-extensions-to-sync
func (w *Writer) Stock(oneTime map[string]int, unusedFallbacks []string) {
	counts := w.Open("device_one_time_keys_count")
	for _, algorithm := range slices.Sorted(maps.Keys(oneTime)) {
		w.Name(algorithm)
		w.Int(int64(oneTime[algorithm]))
	}
	w.Close(counts)
	w.OpenList("device_unused_fallback_key_types")
	for _, algorithm := range unusedFallbacks {
		w.Text(algorithm)
	}
	w.CloseList()
}

// appendText appends s as a JSON string.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			quoted, err := json.Marshal(s)
			if err != nil { // strings always marshal
				return append(dst, `""`...)
			}
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
