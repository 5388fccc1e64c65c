package names

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"plenum/internal/servername"
)

// delegation is what the web server of a host said.
type delegation struct {
	to       string    // server name; "" when it delegates to nobody
	until    time.Time // when to ask again
	good     time.Time // until when to stays good though asking fails
	failures int
}

const (
	wellKnownTime  = 15 * time.Second
	wellKnownBytes = 64 << 10
	maxRedirects   = 10

	// Spec: server-server-api#resolving-server-names, step 3
	keepDelegation    = 24 * time.Hour
	keepAtMost        = 48 * time.Hour
	keepAtLeast       = 5 * time.Minute // against sites that forbid all caching
	keepNoDelegation  = time.Hour       // the site is there and has no such file
	firstFailure      = 2 * time.Minute
	longestFailure    = time.Hour
	goodAfterFailures = 24 * time.Hour
)

// delegated returns the server name that host delegates to, or "".
func (r *Resolver) delegated(ctx context.Context, host string) (string, error) {
	host = strings.ToLower(host)
	if d, ok := r.known.Get(host); ok && r.opt.Now().Before(d.until) {
		return d.to, nil
	}
	asked := r.flight.DoChan("well-known "+host, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wellKnownTime)
		defer cancel()
		return r.askDelegation(ctx, host), nil
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-asked:
		return got.Val.(delegation).to, nil
	}
}

// askDelegation asks the web server of host and remembers what comes of it.
func (r *Resolver) askDelegation(ctx context.Context, host string) delegation {
	before, _ := r.known.Get(host)
	to, keep, err := r.fetchDelegation(ctx, host)
	now := r.opt.Now()
	d := delegation{to: to, until: now.Add(keep)}
	switch {
	case err == nil:
		d.good = d.until.Add(goodAfterFailures)
	default:
		d.failures = before.failures + 1
		d.until = now.Add(min(longestFailure, firstFailure<<min(d.failures-1, 10)))
		if errors.Is(err, errNoFile) {
			d.until, d.failures = now.Add(keepNoDelegation), 0
		} else if before.to != "" && now.Before(before.good) {
			d.to, d.good = before.to, before.good // a web server that is away for a day takes nobody with it
		}
		r.opt.Log.Debug("no delegation", "host", host, "err", err)
	}
	r.known.Add(host, d)
	return d
}

// errNoFile means that the web server is there, but delegates to nobody.
var errNoFile = errors.New("there is no file")

// fetchDelegation asks the web server of host.
func (r *Resolver) fetchDelegation(ctx context.Context, host string) (to string, keep time.Duration, err error) {
	if r.opt.WellKnown == nil {
		return "", 0, errNoFile
	}
	at := &url.URL{Scheme: "https", Host: host, Path: "/.well-known/matrix/server"}
	for range maxRedirects {
		resp, err := r.fetchOnce(ctx, at)
		if err != nil {
			return "", 0, err
		}
		next, again := redirected(at, resp)
		if !again {
			defer resp.Body.Close()
			return read(resp, r.opt.Now())
		}
		_ = resp.Body.Close()
		if next == nil || next.Scheme != "https" || next.User != nil {
			return "", 0, fmt.Errorf("redirected to what cannot be trusted: %q", resp.Header.Get("Location"))
		}
		at = next
	}
	return "", 0, errors.New("redirected too often")
}

func (r *Resolver) fetchOnce(ctx context.Context, at *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Plenum")
	return r.opt.WellKnown.RoundTrip(req)
}

// redirected returns where an answer sends us, if it does.
func redirected(from *url.URL, resp *http.Response) (*url.URL, bool) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		next, err := from.Parse(resp.Header.Get("Location"))
		if err != nil {
			return nil, true
		}
		return next, true
	}
	return nil, false
}

// read reads the answer of a web server.
func read(resp *http.Response, now time.Time) (string, time.Duration, error) {
	if resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
		return "", 0, errNoFile
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("answered with status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, wellKnownBytes+1))
	if err != nil {
		return "", 0, err
	}
	to, err := ParseWellKnown(body)
	return to, lifetime(resp.Header, now), err
}

// ParseWellKnown reads the file that delegates a server name to another.
//
// Spec: server-server-api#getwell-knownmatrixserver
func ParseWellKnown(body []byte) (string, error) {
	if len(body) > wellKnownBytes {
		return "", errors.New("the file is too long")
	}
	var file struct {
		Server string `json:"m.server"`
	}
	if err := json.Unmarshal(body, &file); err != nil {
		return "", err
	}
	if !utf8.ValidString(file.Server) || !servername.Valid(file.Server) {
		return "", fmt.Errorf("%w: %q", ErrName, file.Server)
	}
	return file.Server, nil
}

// lifetime returns how long an answer may be kept.
func lifetime(h http.Header, now time.Time) time.Duration {
	keep := keepDelegation
	if age, ok := maxAge(h.Get("Cache-Control")); ok {
		keep = age
	} else if at, err := http.ParseTime(h.Get("Expires")); err == nil {
		keep = at.Sub(now)
	}
	return min(max(keep, keepAtLeast), keepAtMost)
}

// maxAge reads a Cache-Control header.
func maxAge(header string) (time.Duration, bool) {
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0, true
		case "max-age":
			n, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32)
			return time.Duration(n) * time.Second, err == nil && n >= 0
		}
	}
	return 0, false
}
