package hstest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Browser is a browser without scripts in which somebody looks at the pages of
// a server. It keeps cookies, follows redirects within the server, and sends
// forms as they stand on the page.
type Browser struct {
	Language string // of Accept-Language

	t    testing.TB
	http *http.Client
	base *url.URL
	page *Page
}

// Page is what a Browser shows.
type Page struct {
	Status int
	Header http.Header
	Body   string
	URL    *url.URL // of the page
	Left   string   // address elsewhere that the server has sent the browser to; then there is no page
}

// Browser opens a browser in which nobody is signed in.
func (s *Server) Browser() *Browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	base := &url.URL{Scheme: "https", Host: s.Name()}
	return &Browser{t: s.t, base: base, http: &http.Client{
		Transport: s, Jar: jar,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if r.URL.Host != base.Host || r.URL.Scheme != base.Scheme {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
}

// In returns b in another test, such as a subtest.
func (b *Browser) In(t testing.TB) *Browser {
	other := *b
	other.t = t
	return &other
}

// Open shows a page.
func (b *Browser) Open(address string) *Page {
	b.t.Helper()
	return b.do(http.MethodGet, b.resolve(address), nil, nil)
}

// Submit sends the form of the page that holds a button, with what is typed in
// its fields. Fields of the page keep their values. A button that is not there
// fails the test.
func (b *Browser) Submit(button string, typed map[string]string) *Page {
	b.t.Helper()
	action, values := b.form(button)
	for name, value := range typed {
		if value == "" {
			values.Del(name)
			continue
		}
		values.Set(name, value)
	}
	return b.Post(action, values, nil)
}

// Post sends a form as another page could: without looking at one.
func (b *Browser) Post(address string, values url.Values, header http.Header) *Page {
	b.t.Helper()
	return b.do(http.MethodPost, b.resolve(address), strings.NewReader(values.Encode()), header)
}

// Cookies are those that the browser sends.
func (b *Browser) Cookies() []*http.Cookie { return b.http.Jar.Cookies(b.base) }

func (b *Browser) resolve(address string) *url.URL {
	b.t.Helper()
	from := b.base
	if b.page != nil {
		from = b.page.URL
	}
	u, err := from.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

func (b *Browser) do(method string, address *url.URL, body io.Reader, header http.Header) *Page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, address.String(), body)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if b.Language != "" {
		r.Header.Set("Accept-Language", b.Language)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.page = &Page{Status: resp.StatusCode, Header: resp.Header, Body: string(text), URL: resp.Request.URL}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		b.page.Left = resp.Header.Get("Location")
	}
	return b.page
}

// Says fails the test unless the page has a status and holds a text.
func (p *Page) Says(t testing.TB, status int, text string) *Page {
	t.Helper()
	if p.Status != status || !strings.Contains(html.UnescapeString(p.Body), text) {
		t.Fatalf("%s: status %d, want %d and %q in\n%s", p.URL, p.Status, status, text, p.Body)
	}
	return p
}

// form finds the form with a button, and what a browser would send of it.
func (b *Browser) form(button string) (action string, values url.Values) {
	b.t.Helper()
	if b.page == nil {
		b.t.Fatal("no page is open")
	}
	root, err := html.Parse(strings.NewReader(b.page.Body))
	if err != nil {
		b.t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		values := url.Values{}
		found := false
		for c := range n.Descendants() {
			switch {
			case c.Type != html.ElementNode:
			case c.Data == "button" && strings.TrimSpace(textOf(c)) == button:
				found = true
				if name := attr(c, "name"); name != "" {
					values.Set(name, attr(c, "value"))
				}
			case c.Data == "input" && attr(c, "type") != "checkbox" && attr(c, "name") != "":
				values.Set(attr(c, "name"), attr(c, "value"))
			}
		}
		if found {
			return attrOr(n, "action", b.page.URL.String()), values
		}
	}
	b.t.Fatalf("%s has no button %q:\n%s", b.page.URL, button, b.page.Body)
	return "", nil
}

func textOf(n *html.Node) string {
	var text strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			text.WriteString(c.Data)
		}
	}
	return text.String()
}

func attr(n *html.Node, name string) string { return attrOr(n, name, "") }

func attrOr(n *html.Node, name, missing string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return missing
}
