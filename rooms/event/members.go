package event

import (
	"unsafe"

	"github.com/tidwall/gjson"
)

// eachMember calls fn with the members of a canonical object, in order. Both
// name, which has no escapes, and value, its JSON, may share memory with it.
func eachMember(object []byte, fn func(name string, value gjson.Result)) {
	parse(object).ForEach(func(name, value gjson.Result) bool {
		fn(name.Str, value)
		return true
	})
}

// parse reads JSON without copying it: the result shares memory with b, which
// therefore must not change. Events never do.
func parse(b []byte) gjson.Result {
	return gjson.Parse(unsafe.String(unsafe.SliceData(b), len(b)))
}

// appendMember appends the name of an object's member and its value, with the
// comma that it needs before it.
func appendMember(dst []byte, name, value string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(appendString(dst, name), ':'), value...)
}

// appendWithout appends a canonical object without some of its members.
func appendWithout(dst, object []byte, names ...string) []byte {
	dst = append(dst, '{')
	eachMember(object, func(name string, value gjson.Result) {
		for _, n := range names {
			if n == name {
				return
			}
		}
		dst = appendMember(dst, name, value.Raw)
	})
	return append(dst, '}')
}
