package appservice

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 1 << 20

// errNoURL is returned for services that cannot be reached by us.
var errNoURL = errors.New("the application service has no url")

// answer is what a service has answered.
type answer struct {
	status int
	body   []byte
}

func (a answer) isOK() bool { return a.status/100 == 2 }

// request asks s for path, which is escaped, and waits for as long as ctx
// lasts. Redirects are not followed: a service is where its registration says.
//
// Spec: application-service-api#homeserver---application-service-api
func (r *Registry) request(ctx context.Context, s *Service, method, path string, query url.Values, body []byte) (answer, error) {
	if s.URL == "" {
		return answer{}, errNoURL
	}
	target := strings.TrimRight(s.URL, "/") + "/_matrix/app/v1/" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+s.HSToken)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := r.opt.Transport.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return answer{resp.StatusCode, got}, err
}

// ask asks a question. It is false when there is no answer that says yes.
func (r *Registry) ask(ctx context.Context, s *Service, path string, query url.Values) ([]byte, bool) {
	if s.URL == "" {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, r.opt.Patience)
	defer cancel()
	a, err := r.request(ctx, s, http.MethodGet, path, query, nil)
	if err != nil {
		r.opt.Log.LogAttrs(ctx, slog.LevelWarn, "an application service does not answer", slog.String("service", s.ID), slog.Any("err", err))
		return nil, false
	}
	return a.body, a.isOK()
}

// knows asks whether the service knows a name of a kind, and has made it.
func (r *Registry) knows(ctx context.Context, s *Service, kind, name string) bool {
	_, ok := r.ask(ctx, s, kind+"/"+url.PathEscape(name), nil)
	return ok
}
