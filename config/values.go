package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes, written like "50 MiB".
type Size int64

// The units of a Size, the largest first.
var sizeUnits = []struct {
	name  string
	bytes Size
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// UnmarshalText reads a number with a unit. Without a unit it is bytes.
func (s *Size) UnmarshalText(text []byte) error {
	number, unit := cutNumber(string(text))
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("must be a size such as \"50 MiB\" or \"2 GB\", not %q", text)
	}
	if unit == "" {
		*s = Size(n)
		return nil
	}
	for _, u := range sizeUnits {
		if strings.EqualFold(unit, u.name) {
			if n > math.MaxInt64/int64(u.bytes) {
				return fmt.Errorf("%q is too large", text)
			}
			*s = Size(n) * u.bytes
			return nil
		}
	}
	return fmt.Errorf("must be a size in B, KiB, MiB, GiB or TiB, not %q", text)
}

// String writes the size as a whole number of the largest unit that fits.
func (s Size) String() string {
	for _, u := range sizeUnits[:4] {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Duration is a span of time, written like "30 days" or "1 hour".
type Duration time.Duration

// Std returns d as a time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// The units of a Duration, the longest first. The last name of each is the
// short one.
var durationUnits = []struct {
	names []string
	span  time.Duration
}{
	{[]string{"day", "days", "d"}, 24 * time.Hour},
	{[]string{"hour", "hours", "h"}, time.Hour},
	{[]string{"minute", "minutes", "min"}, time.Minute},
	{[]string{"second", "seconds", "s"}, time.Second},
}

// UnmarshalText reads a whole number with a unit, or 0.
func (d *Duration) UnmarshalText(text []byte) error {
	number, unit := cutNumber(string(text))
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || unit == "" && n != 0 {
		return fmt.Errorf("must be a span of time such as \"30 days\" or \"1 hour\", not %q", text)
	}
	if n == 0 {
		*d = 0
		return nil
	}
	span, ok := durationUnit(unit)
	if !ok {
		return fmt.Errorf("must be in days, hours, minutes or seconds, not %q", text)
	}
	if n > math.MaxInt64/int64(span) {
		return fmt.Errorf("%q is too long", text)
	}
	*d = Duration(time.Duration(n) * span)
	return nil
}

// String writes the span as a whole number of the longest unit that fits.
func (d Duration) String() string {
	for _, u := range durationUnits {
		if n := d.Std() / u.span; d != 0 && d.Std()%u.span == 0 {
			name := u.names[0]
			if n != 1 {
				name = u.names[1]
			}
			return fmt.Sprintf("%d %s", n, name)
		}
	}
	return "0"
}

// MarshalText writes the span like String, for flags.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func durationUnit(name string) (time.Duration, bool) {
	for _, u := range durationUnits {
		for _, n := range u.names {
			if strings.EqualFold(n, name) {
				return u.span, true
			}
		}
	}
	return 0, false
}

// Rate is how often something may happen, written like "10/s, burst 50". The
// zero Rate is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// UnmarshalText reads a rate per second (s), minute (min) or hour (h) with how
// many may come at once, or "off".
func (r *Rate) UnmarshalText(text []byte) error {
	if strings.TrimSpace(string(text)) == "off" {
		*r = Rate{}
		return nil
	}
	wrong := fmt.Errorf("must be a rate such as \"10/s, burst 50\" or \"off\", not %q", text)
	rate, burst, ok := strings.Cut(string(text), ",")
	if !ok {
		return wrong
	}
	number, unit, ok := strings.Cut(rate, "/")
	if !ok {
		return wrong
	}
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n <= 0 {
		return wrong
	}
	span, ok := durationUnit(strings.TrimSpace(unit))
	if !ok {
		return wrong
	}
	count, ok := strings.CutPrefix(strings.TrimSpace(burst), "burst")
	if !ok {
		return wrong
	}
	b, err := strconv.Atoi(strings.TrimSpace(count))
	if err != nil || b <= 0 {
		return wrong
	}
	*r = Rate{PerSecond: float64(n) / span.Seconds(), Burst: b}
	return nil
}

// String writes the rate in the shortest unit in which it is a whole number.
func (r Rate) String() string {
	if r.Burst == 0 {
		return "off"
	}
	for i := len(durationUnits) - 1; i >= 0; i-- {
		u := durationUnits[i]
		if n := r.PerSecond * u.span.Seconds(); math.Abs(n-math.Round(n)) < 1e-6 && math.Round(n) > 0 {
			return fmt.Sprintf("%.0f/%s, burst %d", n, u.names[len(u.names)-1], r.Burst)
		}
	}
	return fmt.Sprintf("%g/s, burst %d", r.PerSecond, r.Burst)
}

// cutNumber cuts "50 MiB" into its number and its unit.
func cutNumber(text string) (number, unit string) {
	text = strings.TrimSpace(text)
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '-' })
	if end < 0 {
		return text, ""
	}
	return text[:end], strings.TrimSpace(text[end:])
}
