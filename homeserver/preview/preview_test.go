package preview_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/media"
	"plenum/homeserver/preview"
	"plenum/internal/matrix"
	"plenum/internal/outward"
)

// album keeps pictures in memory.
type album struct {
	mu   sync.Mutex
	life []time.Duration
}

func (a *album) KeepImage(_ context.Context, body io.Reader, life time.Duration) (media.Image, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return media.Image{}, err
	}
	if !strings.HasPrefix(string(raw), "PICTURE") {
		return media.Image{}, errors.New("no picture")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.life = append(a.life, life)
	return media.Image{URI: id.ContentURI{Homeserver: "one.example", FileID: "kept"}, ContentType: "image/png", Size: int64(len(raw)), Width: 3, Height: 2}, nil
}

// site is somebody's web server.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
	pages map[string]http.HandlerFunc
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{pages: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r)
		s.mu.Unlock()
		page := s.pages[r.URL.Path]
		if page == nil {
			http.NotFound(w, r)
			return
		}
		page(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) visits() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, r := range s.asked {
		all = append(all, r.URL.Path)
	}
	return all
}

// says serves text.
func says(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, text)
	}
}

type world struct {
	*preview.Previews
	album *album
}

func newWorld(t *testing.T, opt preview.Options) world {
	t.Helper()
	opt.On = true
	if opt.Dialer == nil {
		opt.Dialer = &outward.Dialer{AllowPrivate: true}
	}
	w := world{album: &album{}}
	var err error
	if w.Previews, err = preview.New(w.album, opt); err != nil {
		t.Fatal(err)
	}
	return w
}

// of returns a preview as text, or the code of its refusal.
func (w world) of(t *testing.T, address string) string {
	t.Helper()
	raw, err := w.Of(t.Context(), address)
	if refusal := new(matrix.Error); errors.As(err, &refusal) {
		return string(refusal.Code)
	} else if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(raw) {
		t.Errorf("%s", raw)
	}
	return string(raw)
}

func TestPages(t *testing.T) {
	t.Parallel()
	picture := `,"og:image:height":2,"og:image:type":"image/png","og:image:width":3`
	for _, x := range []struct{ name, contentType, page, want string }{
		{
			"OpenGraph", "text/html",
			`<html><head><title>No</title><meta property="og:title" content="The Rock"><meta property="og:type" content="video.movie">
			<meta property="og:url" content="http://www.imdb.example/title/"><meta property="og:image" content="picture.png">
			<meta property="og:video" content="http://tracker.example/film"><meta name="description" content="A &amp; B"></head><body></body></html>`,
			`{"matrix:image:size":7,"og:description":"A \u0026 B","og:image":"mxc://one.example/kept"` + picture + `,"og:title":"The Rock","og:type":"video.movie","og:url":"http://www.imdb.example/title/"}`,
		},
		{
			"plain", "text/html; charset=utf-8",
			"<title> One\n two</title><script>var p = '<p>no</p>'</script><nav><p>no</p></nav><p>First <b>words</b>.<p>Then <script>no</script>more.</p>",
			`{"og:description":"First words. Then more.","og:title":"One two"}`,
		},
		{"charset of the header", "text/html; charset=windows-1251", "<title>\xcf\xf0\xe8\xe2\xe5\xf2</title>", `{"og:title":"Привет"}`},
		{"charset of the page", "text/html", "<meta charset=shift_jis><title>\x93\xfa\x96\x7b</title>", `{"og:title":"日本"}`},
		{"UTF-8 unsaid", "text/html", "<title>Grüße</title>", `{"og:title":"Grüße"}`},
		{"heading", "application/xhtml+xml", "<h1>Head</h1>", `{"og:title":"Head"}`},
		{"twitter", "text/html", `<meta name="twitter:title" content="T"><meta name="twitter:image" content="/other/../picture.png">`, `{"matrix:image:size":7,"og:image":"mxc://one.example/kept"` + picture + `,"og:title":"T"}`},
		{"base", "text/html", `<base href="/sub/"><title>T</title><meta property="og:image" content="pic">`, `{"matrix:image:size":7,"og:image":"mxc://one.example/kept"` + picture + `,"og:title":"T"}`},
		{"oEmbed", "text/html", `<title>Weak</title><link rel="alternate" type="application/json+oembed" href="/oembed">`, `{"matrix:image:size":7,"og:description":"Rich text","og:image":"mxc://one.example/kept"` + picture + `,"og:site_name":"Site","og:title":"Strong"}`},
		{"a picture", "image/png", "PICTURE", `{"matrix:image:size":7,"og:image":"mxc://one.example/kept"` + picture + `}`},
		{"no picture", "image/png", "<html>", "M_NOT_FOUND"},
		{"picture missing", "text/html", `<title>T</title><meta property="og:image" content="/none">`, `{"og:title":"T"}`},
		{"picture too large", "text/html", `<title>T</title><meta property="og:image" content="/large">`, `{"og:title":"T"}`},
		{"picture elsewhere", "text/html", `<title>T</title><meta property="og:image" content="file:///etc/passwd">`, `{"og:title":"T"}`},
		{"no page", "application/pdf", "%PDF", `{}`},
		{"no type", "", "\x00", "M_NOT_FOUND"},
		{"marks that turn text around", "text/html", "<title>a\u202eb\u0007c</title>", `{"og:title":"abc"}`},
		{"beyond the limit", "text/html", strings.Repeat(" ", 4096) + "<title>late</title>", `{}`},
		{"strange names", "text/html", `<meta property="og:<b>" content="x"><meta property="og:locale:alternate" content="de">`, `{"og:locale:alternate":"de"}`},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.pages["/page"] = says(x.contentType, x.page)
			for _, at := range []string{"/picture.png", "/sub/pic"} {
				s.pages[at] = says("image/png", "PICTURE")
			}
			s.pages["/large"] = says("image/png", "PICTURE"+strings.Repeat("x", 2000))
			s.pages["/oembed"] = says("application/json", `{"type":"rich","title":"Strong","provider_name":"Site","thumbnail_url":"/picture.png","html":"<blockquote>Rich <b>text</b><script>no</script></blockquote>"}`)
			w := newWorld(t, preview.Options{MaxPage: 4096, MaxImage: 1000, ImageLife: time.Hour})
			if got := w.of(t, s.URL+"/page#part"); got != x.want {
				t.Errorf("got  %s\nwant %s", got, x.want)
			}
			if strings.Contains(x.want, "mxc") && !slices.Equal(w.album.life, []time.Duration{time.Hour}) {
				t.Errorf("kept for %v", w.album.life)
			}
		})
	}
}

func TestWhoAsksIsNotTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pages["/page"] = func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "you", Value: "again"})
		http.Redirect(w, r, "/secret?token", http.StatusFound)
	}
	s.pages["/secret"] = says("text/html", `<title>T</title><meta property="og:image" content="/picture">`)
	s.pages["/picture"] = says("image/png", "PICTURE")
	w := newWorld(t, preview.Options{Languages: "tr, en;q=0.5"})
	w.of(t, s.URL+"/page")
	if !slices.Equal(s.visits(), []string{"/page", "/secret", "/picture"}) {
		t.Errorf("visits: %v", s.visits())
	}
	for _, r := range s.asked {
		for name := range r.Header {
			if !slices.Contains([]string{"Accept", "Accept-Encoding", "Accept-Language", "User-Agent"}, name) {
				t.Errorf("%s: %s is told", r.URL.Path, name)
			}
		}
		if got := r.Header.Get("Accept-Language"); got != "tr, en;q=0.5" {
			t.Errorf("languages %q", got)
		}
	}
}

func TestNothingInsideIsAsked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pages["/page"] = says("text/html", "<title>Router</title>")
	w := newWorld(t, preview.Options{Dialer: &outward.Dialer{}})
	for _, at := range []string{s.URL + "/page", strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/page", strings.Replace(s.URL, "127.0.0.1", "2130706433", 1), "http://[::1]/", "http://169.254.169.254/"} {
		if got := w.of(t, at); got != "M_NOT_FOUND" {
			t.Errorf("%s: %s", at, got)
		}
	}
	if len(s.visits()) != 0 {
		t.Errorf("visits: %v", s.visits())
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pages["/page"] = says("text/html", "<title>T</title>")
	s.pages["/away"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)+"/page", http.StatusFound)
	}
	s.pages["/round"] = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) }
	s.pages["/other"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "ftp://127.0.0.1/page", http.StatusFound)
	}
	w := newWorld(t, preview.Options{Allow: []string{"127.*", "*.example"}, Deny: []string{"evil.example"}})
	for at, want := range map[string]string{
		s.URL + "/page":                `{"og:title":"T"}`,
		s.URL + "/away":                "M_NOT_FOUND", // no word on why
		s.URL + "/round":               "M_NOT_FOUND",
		s.URL + "/other":               "M_NOT_FOUND",
		"https://elsewhere.test/":      "M_FORBIDDEN",
		"https://evil.example./":       "M_FORBIDDEN",
		"https://EVIL.example/":        "M_FORBIDDEN",
		"https://ｅｖｉｌ.example/":        "M_FORBIDDEN",
		"":                             "M_MISSING_PARAM",
		"ftp://evil.example/":          "M_INVALID_PARAM",
		"http://":                      "M_INVALID_PARAM",
		"http:page":                    "M_INVALID_PARAM",
		"http://user:pass@one.example": "M_INVALID_PARAM",
		"http://one.example/\x01":      "M_INVALID_PARAM",
		"http://one.example/" + strings.Repeat("x", 5000): "M_INVALID_PARAM",
	} {
		if got := w.of(t, at); got != want {
			t.Errorf("%q: %s, want %s", at, got, want)
		}
	}
	if n := len(slices.DeleteFunc(s.visits(), func(at string) bool { return at != "/round" })); n != 6 {
		t.Errorf("followed %d redirects", n)
	}
}

func TestRemembered(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1)
	s := newSite(t)
	s.pages["/page"] = says("text/html", "<title>T</title>")
	w := newWorld(t, preview.Options{Life: time.Hour, Now: func() time.Time { return now }})
	ask := func(want ...string) {
		t.Helper()
		w.of(t, s.URL+"/page")
		w.of(t, s.URL+"/none")
		if !slices.Equal(s.visits(), want) {
			t.Errorf("visits %v, want %v", s.visits(), want)
		}
	}
	ask("/page", "/none")
	ask("/page", "/none")
	now = now.Add(2 * time.Minute)
	ask("/page", "/none", "/none") // failures are forgotten sooner
	now = now.Add(time.Hour)
	ask("/page", "/none", "/none", "/page", "/none")
}

func TestSlowPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.pages["/page"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	w := newWorld(t, preview.Options{Time: time.Millisecond})
	if got := w.of(t, s.URL+"/page"); got != "M_NOT_FOUND" {
		t.Error(got)
	}
}

func TestOff(t *testing.T) {
	t.Parallel()
	p, err := preview.New(&album{}, preview.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := (world{Previews: p}).of(t, "https://one.example/"); got != "M_FORBIDDEN" {
		t.Error(got)
	}
}

func FuzzPage(f *testing.F) {
	for _, seed := range []string{`<title>T</title>`, `<meta property="og:image" content="http://[::1]/x"><base href=":">`, "<p>a<p>b<script><!--", `<svg><title>no</title></svg><h1>x`} {
		f.Add("text/html; charset=utf-16", seed)
		f.Add("text/html", seed)
	}
	f.Fuzz(func(t *testing.T, contentType, page string) {
		raw := preview.Read([]byte(page), contentType)
		if !gjson.ValidBytes(raw) || len(raw) > 100_000 {
			t.Errorf("%s", raw)
		}
	})
}
