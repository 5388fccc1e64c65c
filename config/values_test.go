package config

import (
	"testing"
	"time"
)

func TestValuesAsText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "1024": "1 KiB", "1 KiB": "1 KiB", "50MiB": "50 MiB", "2 gb": "1953125 KiB", "1536 MiB": "1536 MiB",
	} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s.String() != want {
			t.Errorf("size %q is %s (%v), want %s", text, s, err, want)
		}
	}
	for text, want := range map[string]string{
		"0": "0", "1 hour": "1 hour", "60 min": "1 hour", "90 seconds": "90 seconds", "48h": "2 days",
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("duration %q is %s (%v), want %s", text, d, err, want)
		}
	}
	for text, want := range map[string]string{
		"off": "off", "10/s, burst 50": "10/s, burst 50", "12/minute,burst 10": "12/min, burst 10", "60 / min, burst 1": "1/s, burst 1",
		"1/day, burst 2": "1/d, burst 2",
	} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r.String() != want {
			t.Errorf("rate %q is %s (%v), want %s", text, r, err, want)
		}
	}
	if (Duration(90 * time.Minute)).String() != "90 minutes" {
		t.Error("90 minutes")
	}
}

// FuzzValues checks that whatever is accepted means the same when written and
// read again.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"0", "50 MiB", "9223372036854775807 TiB", "30 days", "10/s, burst 50", "1/d, burst 9223372036854775807", "off", "-1", "1 ", ","} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s, s2 Size
		if s.UnmarshalText([]byte(text)) == nil && (s2.UnmarshalText([]byte(s.String())) != nil || s != s2 || s < 0) {
			t.Errorf("size %q is %s is %s", text, s, s2)
		}
		var d, d2 Duration
		if d.UnmarshalText([]byte(text)) == nil && (d2.UnmarshalText([]byte(d.String())) != nil || d != d2 || d < 0) {
			t.Errorf("duration %q is %s is %s", text, d, d2)
		}
		var r Rate
		if r.UnmarshalText([]byte(text)) == nil && (r.PerSecond < 0 || r.Burst < 0) {
			t.Errorf("rate %q is %+v", text, r)
		}
	})
}

// FuzzParse checks that no text makes the parser panic, and that what it
// accepts is valid.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", `server_name = "one.example"`, "[listen]\nclient = [\":8008\"]", "[log]\nlevel = 1979-05-27", "listen.client = [1]",
		"[[listen]]\nclient = []", "[media]\nmax_upload = 5\nquota = \"9 TB\"", "a.b.c = 1", "[tls]\nacme = true", "\xff",
		`server_name = "[::1]:8448"`, "[rate_limits]\nlogin = \"1/s, burst 1\"", "[listen.client]\nx = 1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err == nil && c.Validate() != nil {
			t.Errorf("accepted, but invalid: %v", c.Validate())
		}
		if err != nil && err.Error() == "" {
			t.Error("an error without a word")
		}
	})
}
