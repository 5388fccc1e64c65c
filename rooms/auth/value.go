package auth

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"plenum/rooms/event"
)

// parseLevel reads a power level as the version writes them: since version 10
// integers, before that also strings of integers, and before version 6
// fractions, of which the integer part counts. What is too large for a machine
// counts as the largest number.
//
// Spec: rooms/v10#values-in-mroompower_levels-events-must-be-integers
// Spec: rooms/v1#mroompower_levels-events-accept-values-as-strings
// Spec: rooms/v1#mroompower_levels-events-accept-values-as-floats
func parseLevel(rules *event.Rules, v gjson.Result) (level int64, ok bool) {
	switch {
	case v.Type == gjson.Number:
		if n, ok := parseInteger(v.Raw); ok {
			return n, true
		}
		return parseFraction(rules, v.Raw)
	case v.Type == gjson.String && !rules.IntegerLevels:
		return parseInteger(strings.TrimSpace(v.Str))
	}
	return 0, false
}

func parseInteger(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}

func parseFraction(rules *event.Rules, s string) (int64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || rules.StrictJSON:
		return 0, false
	case f >= math.MaxInt64:
		return math.MaxInt64, true
	case f <= math.MinInt64:
		return math.MinInt64, true
	}
	return int64(f), true
}
