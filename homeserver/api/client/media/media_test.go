package media_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/api/client/media"
	files "plenum/homeserver/media"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/blob"
	"plenum/storage/mediastore"
	"plenum/storage/storagetest"
)

const here = "one.example"

// names takes a user name for a token.
type names struct{}

func (names) Authenticate(_ context.Context, token string, _ *http.Request) (matrix.Principal, error) {
	return matrix.Principal{User: id.NewUserID(token, here)}, nil
}

// client speaks to a server as one user, or as nobody.
type client struct {
	t     *testing.T
	base  string
	token string
}

func serve(t *testing.T, opts media.Options, limits files.Options) client {
	t.Helper()
	dir := t.TempDir()
	blobs, err := blob.Open(filepath.Join(dir, "media"), filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	limits.ServerName = here
	store := files.New(mediastore.New(storagetest.Open(t, storage.SQLite)), blobs, limits, log)
	server := httptest.NewServer(httpx.NewMux(media.New(store, opts).Routes(), httpx.Options{Auth: names{}, Log: log}))
	t.Cleanup(server.Close)
	return client{t, server.URL, "ada"}
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c client) do(method, path string, body io.Reader, header ...string) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, content}
}

func (c client) get(path string, header ...string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, nil, header...)
}

// upload returns the path part of the address: server and media id.
func (c client) upload(content, contentType, filename string) string {
	c.t.Helper()
	path := "/_matrix/media/v3/upload"
	if filename != "" {
		path += "?filename=" + url.QueryEscape(filename)
	}
	return c.address(c.do(http.MethodPost, path, strings.NewReader(content), "Content-Type", contentType))
}

func (c client) address(a answer) string {
	c.t.Helper()
	a.want(c.t, http.StatusOK, "")
	var resp struct {
		URI string `json:"content_uri"`
	}
	if err := json.Unmarshal(a.body, &resp); err != nil || !strings.HasPrefix(resp.URI, "mxc://"+here+"/") {
		c.t.Fatalf("answer %s, %v", a.body, err)
	}
	return strings.TrimPrefix(resp.URI, "mxc://")
}

func (a answer) want(t *testing.T, status int, code matrix.Code) {
	t.Helper()
	var e struct {
		Code matrix.Code `json:"errcode"`
		Text string      `json:"error"`
	}
	if code != "" {
		if err := json.Unmarshal(a.body, &e); err != nil || e.Text == "" {
			t.Errorf("answer %q is no error: %v", a.body, err)
		}
	}
	if a.status != status || e.Code != code {
		t.Errorf("status %d with %s, want %d %s", a.status, a.body, status, code)
	}
}

const (
	download  = "/_matrix/client/v1/media/download/"
	thumbnail = "/_matrix/client/v1/media/thumbnail/"
)

func TestUploadAndDownload(t *testing.T) {
	t.Parallel()
	c := serve(t, media.Options{}, files.Options{})
	address := c.upload("hello", "text/plain", "a b;c.txt")
	a := c.get(download + address)
	a.want(t, http.StatusOK, "")
	if string(a.body) != "hello" {
		t.Errorf("body %q", a.body)
	}
	for name, want := range map[string]string{
		"Content-Type":                 "text/plain",
		"Content-Length":               "5",
		"Content-Disposition":          `inline; filename="a b;c.txt"`,
		"Content-Security-Policy":      "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
		"Cross-Origin-Resource-Policy": "cross-origin",
		"X-Content-Type-Options":       "nosniff",
		"Cache-Control":                "private, max-age=31536000, immutable",
		"Accept-Ranges":                "bytes",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	head := c.do(http.MethodHead, download+address, nil)
	if head.status != http.StatusOK || len(head.body) != 0 || head.header.Get("Content-Length") != "5" {
		t.Errorf("HEAD: %d, %d bytes, length %s", head.status, len(head.body), head.header.Get("Content-Length"))
	}
	c.get(download+here+"/none").want(t, http.StatusNotFound, matrix.NotFound)
	c.get(download+here+"/..%2f..%2fkey").want(t, http.StatusBadRequest, matrix.InvalidParam)
	c.get(download+address+"?timeout_ms=soon").want(t, http.StatusBadRequest, matrix.InvalidParam)
}

func TestRanges(t *testing.T) {
	t.Parallel()
	c := serve(t, media.Options{}, files.Options{})
	content := strings.Repeat("0123456789", 30_000)
	path := download + c.upload(content, "video/mp4", "")
	for header, want := range map[string]string{
		"bytes=0-3":           content[:4],
		"bytes=131070-131075": content[131070:131076], // across what is decrypted at once
		"bytes=299990-":       content[299990:],
		"bytes=-7":            content[len(content)-7:],
		"bytes=299995-400000": content[299995:],
	} {
		a := c.get(path, "Range", header)
		if a.status != http.StatusPartialContent || string(a.body) != want {
			t.Errorf("%s: %d with %d bytes, want 206 with %q", header, a.status, len(a.body), want)
		}
	}
	a := c.get(path, "Range", "bytes=300000-")
	if a.status != http.StatusRequestedRangeNotSatisfiable || a.header.Get("Content-Range") != "bytes */300000" {
		t.Errorf("beyond the end: %d, %q", a.status, a.header.Get("Content-Range"))
	}
	if a := c.get(path, "Range", "bytes=0-1,10-12"); a.status != http.StatusPartialContent || !bytes.Contains(a.body, []byte("012")) {
		t.Errorf("two ranges: %d with %q", a.status, a.body)
	}
	tag := c.get(path).header.Get("ETag")
	if a := c.get(path, "If-None-Match", tag); tag == "" || a.status != http.StatusNotModified || len(a.body) != 0 {
		t.Errorf("known already: %d for tag %q", a.status, tag)
	}
	if a := c.get(path, "Range", "bytes=0-3", "If-Range", `"other"`); a.status != http.StatusOK {
		t.Errorf("a part of another version: %d, want all", a.status)
	}
}

func TestDisposition(t *testing.T) {
	t.Parallel()
	c := serve(t, media.Options{}, files.Options{})
	for _, x := range []struct{ contentType, kind string }{
		{"text/plain; charset=utf-8", "inline"}, {"IMAGE/PNG", "inline"}, {"audio/x-flac", "inline"},
		{"text/html", "attachment"}, {"image/svg+xml", "attachment"}, {"application/xhtml+xml", "attachment"},
		{"application/pdf", "attachment"}, {"application/octet-stream", "attachment"}, {"text/javascript", "attachment"},
		{"nonsense", "attachment"}, {"", "attachment"},
	} {
		a := c.get(download + c.upload("x", x.contentType, ""))
		if got := a.header.Get("Content-Disposition"); got != x.kind {
			t.Errorf("%q: %q, want %q", x.contentType, got, x.kind)
		}
	}
	for _, name := range []string{"ascii", "name with spaces", "name;with;semicolons", `q"uo\te`, "☕ räksmörgås.txt", "new\nline", strings.Repeat("ü", 500)} {
		for _, path := range []string{c.upload("x", "", name), c.upload("x", "", "other") + "/" + url.PathEscape(name)} {
			_, params, err := mime.ParseMediaType(c.get(download + path).header.Get("Content-Disposition"))
			if err != nil || params["filename"] != name {
				t.Errorf("%q came back as %q, %v", name, params["filename"], err)
			}
		}
	}
	c.do(http.MethodPost, "/_matrix/media/v3/upload?filename="+strings.Repeat("x", 2000), nil).want(t, http.StatusBadRequest, matrix.InvalidParam)
}

func TestUploadLimit(t *testing.T) {
	t.Parallel()
	c := serve(t, media.Options{}, files.Options{MaxUpload: 1000})
	for _, path := range []string{"/_matrix/client/v1/media/config", "/_matrix/media/v3/config", "/_matrix/media/r0/config"} {
		if a := c.get(path); string(bytes.TrimSpace(a.body)) != `{"m.upload.size":1000}` {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	c.upload(strings.Repeat("x", 1000), "", "")
	const path = "/_matrix/media/v3/upload"
	c.do(http.MethodPost, path, strings.NewReader(strings.Repeat("x", 1001))).want(t, http.StatusRequestEntityTooLarge, matrix.TooLarge)
	chunked := io.MultiReader(strings.NewReader(strings.Repeat("x", 1001))) // of unknown length
	c.do(http.MethodPost, path, chunked).want(t, http.StatusRequestEntityTooLarge, matrix.TooLarge)
}

func TestTokensAreNeeded(t *testing.T) {
	t.Parallel()
	c := serve(t, media.Options{AllowLegacy: true}, files.Options{})
	address := c.upload("x", "text/plain", "")
	c.token = ""
	for _, path := range []string{download + address, thumbnail + address, "/_matrix/client/v1/media/config", "/_matrix/media/v3/config"} {
		c.get(path).want(t, http.StatusUnauthorized, matrix.MissingToken)
	}
	c.do(http.MethodPost, "/_matrix/media/v3/upload", nil).want(t, http.StatusUnauthorized, matrix.MissingToken)
	c.do(http.MethodPost, "/_matrix/media/v1/create", nil).want(t, http.StatusUnauthorized, matrix.MissingToken)
}

func TestLegacyEndpoints(t *testing.T) {
	t.Parallel()
	frozen := serve(t, media.Options{}, files.Options{})
	address := frozen.upload("x", "text/plain", "")
	for _, path := range []string{"v3/download/" + address, "r0/download/" + address, "v3/download/" + address + "/name", "v3/thumbnail/" + address + "?width=1&height=1"} {
		frozen.get("/_matrix/media/"+path).want(t, http.StatusNotFound, matrix.NotFound)
	}

	open := serve(t, media.Options{AllowLegacy: true}, files.Options{})
	address = open.upload("x", "text/plain", "")
	picture := open.upload(imagePNG(t, 50, 40), "image/png", "")
	open.token = ""
	for _, version := range []string{"v3", "r0", "v1"} {
		if a := open.get("/_matrix/media/" + version + "/download/" + address); string(a.body) != "x" {
			t.Errorf("%s: %d with %q", version, a.status, a.body)
		}
		open.get("/_matrix/media/"+version+"/thumbnail/"+picture+"?width=32&height=32&method=crop").want(t, http.StatusOK, "")
	}
}

func imagePNG(t *testing.T, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestThumbnail(t *testing.T) {
	t.Parallel()
	c := serve(t, media.Options{}, files.Options{})
	path := thumbnail + c.upload(imagePNG(t, 400, 300), "image/png", "x.png")
	a := c.get(path + "?width=32&height=32&method=crop&animated=false")
	a.want(t, http.StatusOK, "")
	config, format, err := image.DecodeConfig(bytes.NewReader(a.body))
	if err != nil || config.Width != 32 || config.Height != 32 || a.header.Get("Content-Type") != "image/"+format {
		t.Errorf("%dx%d %s as %s, %v", config.Width, config.Height, format, a.header.Get("Content-Type"), err)
	}
	if got := a.header.Get("Content-Disposition"); got != "inline; filename=thumbnail."+format {
		t.Errorf("disposition %q", got)
	}
	for _, query := range []string{"", "?width=32", "?width=x&height=1", "?width=-1&height=1", "?width=1&height=1&method=stretch", "?width=1&height=1&animated=maybe"} {
		c.get(path+query).want(t, http.StatusBadRequest, matrix.InvalidParam)
	}
	text := thumbnail + c.upload("no image", "image/png", "")
	c.get(text+"?width=32&height=32").want(t, http.StatusBadRequest, matrix.Unknown)
}

func TestCreateThenUpload(t *testing.T) {
	t.Parallel()
	c := serve(t, media.Options{}, files.Options{MaxPending: 2})
	created := c.do(http.MethodPost, "/_matrix/media/v1/create", nil)
	address := c.address(created)
	var resp struct {
		Expires int64 `json:"unused_expires_at"`
	}
	if err := json.Unmarshal(created.body, &resp); err != nil || resp.Expires == 0 {
		t.Errorf("answer %s, %v", created.body, err)
	}
	c.get(download+address+"?timeout_ms=0").want(t, http.StatusGatewayTimeout, matrix.NotYetUploaded)
	other := c
	other.token = "bob"
	upload := "/_matrix/media/v3/upload/" + address
	other.do(http.MethodPut, upload, strings.NewReader("x")).want(t, http.StatusForbidden, matrix.Forbidden)
	c.do(http.MethodPut, "/_matrix/media/v3/upload/"+here+"/none", nil).want(t, http.StatusNotFound, matrix.NotFound)

	done := c.do(http.MethodPut, upload+"?filename=n", strings.NewReader("later"), "Content-Type", "text/plain")
	if done.want(t, http.StatusOK, ""); string(bytes.TrimSpace(done.body)) != "{}" {
		t.Errorf("answer %s", done.body)
	}
	c.do(http.MethodPut, upload, nil).want(t, http.StatusConflict, matrix.CannotOverwriteMedia)
	if a := c.get(download + address); string(a.body) != "later" || a.header.Get("Content-Disposition") != "inline; filename=n" {
		t.Errorf("got %q, %q", a.body, a.header.Get("Content-Disposition"))
	}

	c.do(http.MethodPost, "/_matrix/media/v1/create", strings.NewReader("{}")).want(t, http.StatusOK, "")
	c.do(http.MethodPost, "/_matrix/media/v1/create", nil).want(t, http.StatusOK, "")
	c.do(http.MethodPost, "/_matrix/media/v1/create", nil).want(t, http.StatusTooManyRequests, matrix.LimitExceeded)
}
