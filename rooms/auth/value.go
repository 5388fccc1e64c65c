package auth

import (
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"plenum/rooms/event"
)

// parseLevel reads a power level as the version writes them: since version 10
// integers, before that also strings of integers, and before version 6
// fractions, of which the integer part counts.
//
// Spec: rooms/v10#values-in-mroompower_levels-events-must-be-integers
// Spec: rooms/v1#mroompower_levels-events-accept-values-as-strings
func parseLevel(rules *event.Rules, v gjson.Result) (int64, bool) {
	switch v.Type {
	case gjson.Number:
		if n, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
			return n, true
		}
		if rules.StrictJSON {
			return 0, false
		}
		f, err := strconv.ParseFloat(v.Raw, 64)
		if err != nil || math.Abs(f) >= 1<<63 {
			return 0, false
		}
		return int64(f), true
	case gjson.String:
		if rules.IntegerLevels {
			return 0, false
		}
		n, err := strconv.ParseInt(strings.TrimSpace(v.Str), 10, 64)
		return n, err == nil
	}
	return 0, false
}
