package push

import (
	"strings"

	"github.com/tidwall/gjson"

	"plenum/rooms"
)

// path is the way to a property of an event.
//
// Spec: appendices#dot-separated-property-paths
type path []string

// newPath reads a path: dots separate names, a backslash takes the special
// meaning from a dot or a backslash.
func newPath(key string) path {
	var p path
	var name strings.Builder
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c == '.':
			p = append(p, name.String())
			name.Reset()
		case c == '\\' && i+1 < len(key) && (key[i+1] == '.' || key[i+1] == '\\'):
			i++
			name.WriteByte(key[i])
		default:
			name.WriteByte(c)
		}
	}
	return append(p, name.String())
}

// isBody reports whether p leads to the text of a message.
func (p path) isBody() bool { return len(p) == 2 && p[0] == "content" && p[1] == "body" }

// isRoom reports whether p leads to the room.
func (p path) isRoom() bool { return len(p) == 1 && p[0] == "room_id" }

// in returns the property of e that p leads to; it does not exist when the
// event has none.
func (p path) in(e *rooms.Event, content gjson.Result) gjson.Result {
	if p[0] == "content" {
		return p[1:].inside(content)
	}
	if p.isRoom() {
		return gjson.Result{Type: gjson.String, Str: string(e.Room), Raw: string(e.Room)}
	}
	return p.inside(gjson.ParseBytes(e.Client))
}

// inside follows p into an object.
func (p path) inside(object gjson.Result) gjson.Result {
	at := object
	for _, name := range p {
		at = member(at, name)
	}
	return at
}

// member returns a member of an object by its name, whatever characters that
// is made of.
func member(object gjson.Result, name string) (found gjson.Result) {
	if !object.IsObject() {
		return gjson.Result{}
	}
	object.ForEach(func(key, value gjson.Result) bool {
		if key.Str == name {
			found = value
		}
		return !found.Exists()
	})
	return found
}
