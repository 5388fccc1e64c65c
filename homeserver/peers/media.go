package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"maunium.net/go/mautrix/id"
)

// Media is a file of another server. The caller closes it.
type Media struct {
	io.ReadCloser
	ContentType string
	Filename    string // "" when it has none
	Length      int64  // bytes; -1 when not known
}

const (
	mediaTime     = 5 * time.Minute // to send one file
	metadataBytes = 64 << 10
	mediaHops     = 3
)

// Download fetches a file, of at most maxSize bytes, from its server. It waits
// for its upload if need be.
//
// Spec: server-server-api#get_matrixfederationv1mediadownloadmediaid
func (c *Client) Download(ctx context.Context, uri id.ContentURI, wait time.Duration, maxSize int64) (*Media, error) {
	query := url.Values{"timeout_ms": {strconv.FormatInt(wait.Milliseconds(), 10)}}
	k := call{server: uri.Homeserver, path: path(v1+"/media/download", uri.FileID), query: query, timeout: wait + mediaTime, limit: maxSize + 2*metadataBytes}
	m, err := c.media(ctx, k, maxSize)
	if !isUnserved(err) {
		return m, err
	}
	k.path = path("/_matrix/media/v3/download", uri.Homeserver, uri.FileID)
	return c.oldMedia(ctx, k)
}

// Thumbnail is what a smaller image should be like.
type Thumbnail struct {
	Width, Height int
	Method        string // "crop" or "scale"
	Animated      bool
}

// Thumbnail fetches a smaller image of an image.
//
// Spec: server-server-api#get_matrixfederationv1mediathumbnailmediaid
func (c *Client) Thumbnail(ctx context.Context, uri id.ContentURI, t Thumbnail, wait time.Duration, maxSize int64) (*Media, error) {
	query := url.Values{
		"width": {strconv.Itoa(t.Width)}, "height": {strconv.Itoa(t.Height)}, "method": {t.Method}, "animated": {strconv.FormatBool(t.Animated)},
		"timeout_ms": {strconv.FormatInt(wait.Milliseconds(), 10)},
	}
	k := call{server: uri.Homeserver, path: path(v1+"/media/thumbnail", uri.FileID), query: query, timeout: wait + mediaTime, limit: maxSize + 2*metadataBytes}
	m, err := c.media(ctx, k, maxSize)
	if !isUnserved(err) {
		return m, err
	}
	k.path = path("/_matrix/media/v3/thumbnail", uri.Homeserver, uri.FileID)
	return c.oldMedia(ctx, k)
}

// media makes a call whose answer is a file in two parts, or where to find it.
func (c *Client) media(ctx context.Context, k call, maxSize int64) (*Media, error) {
	k.accept, k.eager = "multipart/mixed", true
	resp, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	m, elsewhere, err := parseMedia(resp.Header, resp.Body)
	if err != nil {
		_ = resp.Body.Close()
		return nil, c.broken(ctx, k, err)
	}
	if elsewhere == "" {
		return m, nil
	}
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	m, err = c.mediaElsewhere(ctx, elsewhere, maxSize)
	if err != nil {
		return nil, fmt.Errorf("media of %s, which sends us elsewhere: %w", k.server, err)
	}
	return m, nil
}

// oldMedia fetches a file from a server that knows no signed requests for it.
//
// Spec: client-server-api#get_matrixmediav3downloadservernamemediaid
func (c *Client) oldMedia(ctx context.Context, k call) (*Media, error) {
	k.unsigned, k.accept, k.eager = true, "*/*", true
	k.query.Set("allow_remote", "false")
	resp, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	return plainMedia(resp), nil
}

// plainMedia is an answer that is a file.
func plainMedia(resp *http.Response) *Media {
	return &Media{
		ReadCloser:  resp.Body,
		ContentType: resp.Header.Get("Content-Type"),
		Filename:    filename(resp.Header.Get("Content-Disposition")),
		Length:      resp.ContentLength,
	}
}

// parseMedia reads an answer up to where the file begins. Instead of the file
// there may be an address.
func parseMedia(h http.Header, body io.ReadCloser) (m *Media, elsewhere string, err error) {
	kind, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || !strings.EqualFold(kind, "multipart/mixed") || parameters["boundary"] == "" {
		return nil, "", fmt.Errorf("%w: %q instead of multipart/mixed", ErrAnswer, shortened(h.Get("Content-Type"), 100))
	}
	parts := multipart.NewReader(body, parameters["boundary"])
	if err := metadata(parts); err != nil {
		return nil, "", err
	}
	file, err := parts.NextRawPart()
	if err != nil {
		return nil, "", badMedia(err)
	}
	if to := file.Header.Get("Location"); to != "" {
		return nil, to, nil
	}
	return &Media{
		ReadCloser:  &part{file, body},
		ContentType: file.Header.Get("Content-Type"),
		Filename:    filename(file.Header.Get("Content-Disposition")),
		Length:      -1,
	}, "", nil
}

// metadata reads the first part, which is an object without members so far.
func metadata(parts *multipart.Reader) error {
	first, err := parts.NextRawPart()
	if err != nil {
		return badMedia(err)
	}
	raw, err := io.ReadAll(io.LimitReader(first, metadataBytes+1))
	if err != nil {
		return badMedia(err)
	}
	if len(raw) > metadataBytes || !json.Valid(raw) {
		return fmt.Errorf("%w: the first part is not JSON", ErrAnswer)
	}
	return nil
}

// badMedia marks what is wrong with the form of an answer as such.
func badMedia(err error) error {
	var protocol textproto.ProtocolError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &protocol) || strings.HasPrefix(err.Error(), "multipart:") {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return err
}

// part is a file in an answer.
type part struct {
	io.Reader
	body io.Closer
}

// Close ends the answer.
func (p *part) Close() error { return p.body.Close() }

// filename returns the name of a file in a Content-Disposition, or "".
func filename(header string) string {
	_, parameters, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return parameters["filename"]
}

var errElsewhere = errors.New("the address of the file cannot be followed")

// mediaElsewhere fetches a file from where its server said it is: a store on
// the web that needs no signature, and gets none.
func (c *Client) mediaElsewhere(ctx context.Context, address string, maxSize int64) (*Media, error) {
	at, err := url.Parse(address)
	for range mediaHops {
		if err != nil || at.Scheme != "https" || at.Host == "" || at.User != nil {
			return nil, errElsewhere
		}
		w := newWatch(ctx, mediaTime)
		resp, err := c.fetchPage(w.ctx, at)
		if err != nil {
			w.stop()
			return nil, w.cause(err)
		}
		resp.Body = &body{from: resp.Body, left: maxSize + 1, watch: w, done: func() {}}
		if resp.StatusCode == http.StatusOK {
			return plainMedia(resp), nil
		}
		err = resp.Body.Close()
		if err != nil || resp.StatusCode < 300 || resp.StatusCode > 399 {
			return nil, fmt.Errorf("answered with status %d", resp.StatusCode)
		}
		if at, err = at.Parse(resp.Header.Get("Location")); err != nil {
			return nil, errElsewhere
		}
	}
	return nil, errElsewhere
}

func (c *Client) fetchPage(ctx context.Context, at *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "Plenum")
	return c.web.RoundTrip(req)
}
