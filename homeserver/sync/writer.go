package sync

import (
	"encoding/json"
	"strconv"

	"maunium.net/go/mautrix/id"
)

// writer writes JSON. Whether a comma is needed it sees from the byte before,
// so that nobody has to count.
type writer struct{ buf []byte }

// part is an object or a list that was opened and is to be closed.
type part struct{ start, inside int }

// next begins one more element of what is open.
func (w *writer) next() {
	if n := len(w.buf); n > 0 {
		switch w.buf[n-1] {
		case '{', '[', ':':
		default:
			w.buf = append(w.buf, ',')
		}
	}
}

// name begins a member of an object; its value follows.
func (w *writer) name(name string) {
	w.next()
	w.buf = append(appendText(w.buf, name), ':')
}

func (w *writer) text(s string) {
	w.next()
	w.buf = appendText(w.buf, s)
}

func (w *writer) int(n int64) {
	w.next()
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

func (w *writer) bool(b bool) {
	w.next()
	w.buf = strconv.AppendBool(w.buf, b)
}

// raw writes a value that is JSON already.
func (w *writer) raw(value []byte) {
	w.next()
	w.buf = append(w.buf, value...)
}

// open begins a member that is an object.
func (w *writer) open(name string) part { return w.begin(name, `{`) }

// close ends an object. One with nothing in it is taken back.
func (w *writer) close(p part) { w.end(p, `}`) }

// openList begins a member that is a list.
func (w *writer) openList(name string) part { return w.begin(name, `[`) }

// closeList ends a list, which may be empty.
func (w *writer) closeList() { w.buf = append(w.buf, ']') }

// openEvents begins a member that is an object with a list of events.
func (w *writer) openEvents(name string) part { return w.begin(name, `{"events":[`) }

// closeEvents ends a list of events. One without any is taken back.
func (w *writer) closeEvents(p part) { w.end(p, `]}`) }

func (w *writer) begin(name, bracket string) part {
	p := part{start: len(w.buf)}
	w.name(name)
	w.buf = append(w.buf, bracket...)
	p.inside = len(w.buf)
	return p
}

func (w *writer) end(p part, bracket string) {
	if len(w.buf) == p.inside {
		w.buf = w.buf[:p.start]
		return
	}
	w.buf = append(w.buf, bracket...)
}

// event writes an event that is in no room's history. sender may be empty.
func (w *writer) event(typ string, content []byte, sender id.UserID) {
	w.next()
	w.buf = append(append(w.buf, `{"content":`...), content...)
	if sender != "" {
		w.name("sender")
		w.text(string(sender))
	}
	w.name("type")
	w.text(typ)
	w.buf = append(w.buf, '}')
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
