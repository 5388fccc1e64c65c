package preview

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/idna"
)

const (
	maxRedirects = 5
	maxHeader    = 64 << 10

	acceptPage  = "text/html, application/xhtml+xml, image/*;q=0.9"
	acceptImage = "image/webp, image/png, image/jpeg, image/gif"
	acceptJSON  = "application/json"

	// agent says what asks, and not for whom.
	agent = "Mozilla/5.0 (compatible; Plenum; previews of links)"
)

var (
	errAddress   = errors.New("not an address of a page")
	errDenied    = errors.New("a host that is not asked")
	errRedirects = errors.New("too many redirects")
	errStatus    = errors.New("no page there")
	errTooLong   = errors.New("longer than allowed")
)

// fetcher asks other people's servers.
type fetcher struct {
	client    http.Client
	allow     []string
	deny      []string
	languages string
}

func newFetcher(opt Options) *fetcher {
	f := &fetcher{allow: opt.Allow, deny: opt.Deny, languages: opt.Languages}
	transport := opt.Dialer.Transport()
	transport.MaxResponseHeaderBytes = maxHeader
	f.client = http.Client{Transport: transport, CheckRedirect: f.follow}
	return f
}

// parseAddress reads the address of a page, and brings its host to the form
// that hosts are compared and looked up in.
func parseAddress(address string) (*url.URL, error) {
	if len(address) > maxAddress {
		return nil, errAddress
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return nil, errAddress
	}
	host := u.Hostname()
	if !strings.Contains(host, ":") { // not an IPv6 address
		if host, err = idna.Lookup.ToASCII(strings.TrimSuffix(host, ".")); err != nil || host == "" {
			return nil, errAddress
		}
		if port := u.Port(); port != "" {
			host += ":" + port
		}
		u.Host = host
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// mayAsk reports whether the settings allow a host.
func (f *fetcher) mayAsk(host string) bool {
	return (len(f.allow) == 0 || matches(f.allow, host)) && !matches(f.deny, host)
}

// matches compares a host with patterns such as "*.example.org".
func matches(patterns []string, host string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, host); ok && err == nil {
			return true
		}
	}
	return false
}

// follow decides about a redirect. Where it leads, the dialer looks at.
func (f *fetcher) follow(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errRedirects
	}
	u, err := parseAddress(r.URL.String())
	if err != nil {
		return err
	}
	if !f.mayAsk(u.Hostname()) {
		return errDenied
	}
	r.URL, r.Host = u, ""
	r.Header.Del("Referer") // is nobody's business
	return nil
}

// fetched is an answer that is being read. The caller closes it.
type fetched struct {
	io.ReadCloser
	at     *url.URL // after redirects
	header string   // Content-Type
	kind   string   // of header, without parameters
}

// get asks for what is at an address, which may be one that a page has named.
func (f *fetcher) get(ctx context.Context, address, accept string) (*fetched, error) {
	u, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if !f.mayAsk(u.Hostname()) {
		return nil, errDenied
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", agent)
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Language", f.languages)
	resp, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(errStatus, resp.Body.Close())
	}
	header := resp.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(header)
	if err != nil && kind == "" {
		return nil, errors.Join(errStatus, resp.Body.Close())
	}
	return &fetched{ReadCloser: resp.Body, at: resp.Request.URL, header: header, kind: kind}, nil
}

func (f *fetched) isPage() bool {
	return f.kind == "text/html" || f.kind == "application/xhtml+xml"
}

func (f *fetched) isImage() bool { return strings.HasPrefix(f.kind, "image/") }

// limited reads the beginning, which is enough of a page.
func (f *fetched) limited(n int64) io.Reader { return io.LimitReader(f, n) }

// whole fails when there are more than n bytes: half a picture is none.
func (f *fetched) whole(n int64) io.Reader { return &bounded{f, n} }

// bounded is a reader that fails instead of reading more than left bytes.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}
