package event

import (
	"strconv"

	"github.com/tidwall/gjson"
)

// MaxSticky is for how long an event may be sticky, in milliseconds.
const MaxSticky = 60 * 60 * 1000

// stickyName is the member of an event that says for how long it is sticky,
// until a release of the specification has it.
//
// Spec: todo MSC4354, once it is in a release
const stickyName = "msc4354_sticky"

// appendStickiness appends the member, after others.
func appendStickiness(b []byte, ms int64) []byte {
	b = append(b, `,"`+stickyName+`":{"duration_ms":`...)
	return append(strconv.AppendInt(b, ms, 10), '}')
}

// readStickiness returns for how long an event is sticky, in milliseconds. What
// makes no sense says nothing, and longer than the longest is that.
func readStickiness(v gjson.Result) int64 {
	ms, err := strconv.ParseInt(v.Get("duration_ms").Raw, 10, 64)
	if err != nil || ms < 0 {
		return 0
	}
	return min(ms, MaxSticky)
}
