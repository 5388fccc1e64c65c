package event

import (
	"unsafe"

	"github.com/tidwall/gjson"
)

// eachMember calls fn with the members of a canonical object, in order. The
// value is its JSON; name is unescaped. Both may share memory with object.
func eachMember(object []byte, fn func(name, value string)) {
	// Events are immutable, so that text may share their memory.
	gjson.Parse(unsafe.String(unsafe.SliceData(object), len(object))).ForEach(func(name, value gjson.Result) bool {
		fn(name.Str, value.Raw)
		return true
	})
}

// appendMember appends a member of an object and the comma before it.
func appendMember(dst []byte, first *bool, name, value string) []byte {
	if !*first {
		dst = append(dst, ',')
	}
	*first = false
	return append(append(appendString(dst, name), ':'), value...)
}
