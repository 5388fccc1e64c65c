package filter

import (
	"strings"

	"github.com/tidwall/gjson"

	"plenum/internal/matrix"
)

// Fields are the properties of events that a client wants to receive.
//
// Spec: appendices#dot-separated-property-paths
type Fields struct {
	whole bool // the property is wanted with all that is in it
	in    map[string]*Fields
}

// parseFields compiles event_fields; nil when they were not given.
func parseFields(paths []string) (*Fields, error) {
	if paths == nil {
		return nil, nil
	}
	top := &Fields{}
	for _, path := range paths {
		names, ok := splitPath(path)
		if !ok {
			return nil, matrix.Errorf(matrix.InvalidParam, "event_fields has a path that cannot be read: %q.", path)
		}
		at := top
		for _, name := range names {
			at = at.child(name)
		}
		at.whole = true
	}
	return top, nil
}

func (f *Fields) child(name string) *Fields {
	c, ok := f.in[name]
	if !ok {
		c = &Fields{}
		if f.in == nil {
			f.in = map[string]*Fields{}
		}
		f.in[name] = c
	}
	return c
}

// splitPath reads a path: dots separate names, a backslash takes the special
// meaning from a dot or a backslash.
func splitPath(path string) (names []string, ok bool) {
	var name strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; c {
		case '.':
			names = append(names, name.String())
			name.Reset()
		case '\\':
			if i++; i == len(path) || path[i] != '.' && path[i] != '\\' {
				return nil, false
			}
			name.WriteByte(path[i])
		default:
			name.WriteByte(c)
		}
	}
	return append(names, name.String()), true
}

// Append appends the JSON object obj to dst, without what is not wanted.
func (f *Fields) Append(dst, obj []byte) []byte {
	return f.append(dst, gjson.ParseBytes(obj))
}

func (f *Fields) append(dst []byte, obj gjson.Result) []byte {
	dst = append(dst, '{')
	empty := len(dst)
	obj.ForEach(func(key, value gjson.Result) bool {
		want := f.in[key.String()]
		if want == nil || !want.whole && !value.IsObject() {
			return true
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		dst = append(append(dst, key.Raw...), ':')
		if want.whole {
			dst = append(dst, value.Raw...)
		} else {
			dst = want.append(dst, value)
		}
		return true
	})
	return append(dst, '}')
}
