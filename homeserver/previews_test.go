package homeserver_test

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"plenum/config"
	"plenum/homeserver/hstest"
	"plenum/internal/matrix"
)

const previewPath = "/_matrix/client/v1/media/preview_url"

// website serves a page with a picture, and counts its visitors.
func website(t *testing.T) (address string, visits func() int) {
	t.Helper()
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 30, 20))); err != nil {
		t.Fatal(err)
	}
	came := make(chan struct{}, 1000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		if strings.HasSuffix(r.URL.Path, ".png") {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(picture.Bytes())
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<title>A page</title><meta property="og:image" content="a.png">`)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() int { return len(came) }
}

func TestPreviewsOfLinks(t *testing.T) {
	t.Parallel()
	opt := hstest.Options{Configure: func(c *config.Config) {
		c.Previews.Enabled, c.Previews.Ports = true, nil
		c.Throwaway = &config.Throwaway{} // whose pages may be next door
	}}
	hstest.Each(t, opt, func(t *testing.T, s *hstest.Server) {
		page, visits := website(t)
		ada := s.Client("ada")
		asked := "?url=" + url.QueryEscape(page+"/page.html")
		for _, path := range []string{previewPath, "/_matrix/media/v3/preview_url"} {
			got := ada.Get(path + asked)
			if got.Get("og:title").Str != "A page" || got.Get("og:image:width").Int() != 30 {
				t.Errorf("%s", got)
			}
			picture := strings.TrimPrefix(got.Get("og:image").Str, "mxc://")
			resp := ada.Send(http.MethodGet, "/_matrix/client/v1/media/download/"+picture, nil, nil)
			if resp.Body.Close(); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/png" {
				t.Errorf("%q: %s", picture, resp.Status)
			}
		}
		if visits() != 2 {
			t.Errorf("%d visits", visits())
		}
		s.Nobody().Refused(matrix.MissingToken).Get(previewPath + asked)
		ada.Refused(matrix.MissingParam).Get(previewPath)
		if !ada.Get(v3 + "/capabilities").Get(`capabilities.io\.element\.msc4452\.preview_url.enabled`).Bool() {
			t.Error("clients are not told")
		}
	})
}

func TestPreviewsAreOffAndLeadNowhereInside(t *testing.T) {
	t.Parallel()
	page, visits := website(t)
	asked := previewPath + "?url=" + url.QueryEscape(page+"/page.html")
	ada := hstest.New(t, hstest.Options{}).Client("ada")
	ada.Refused(matrix.Forbidden).Get(asked)
	if on := ada.Get(v3 + "/capabilities").Get(`capabilities.io\.element\.msc4452\.preview_url.enabled`); !on.Exists() || on.Bool() {
		t.Error("clients are not told")
	}
	for _, ports := range [][]string{{"80", "443"}, nil} {
		s := hstest.New(t, hstest.Options{Configure: func(c *config.Config) { c.Previews.Enabled, c.Previews.Ports = true, ports }})
		s.Client("ada").Refused(matrix.NotFound).Get(asked)
	}
	if visits() != 0 {
		t.Errorf("%d visits", visits())
	}
}
