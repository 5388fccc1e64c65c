package appservice

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"plenum/internal/matrix"
)

// maxPingAnswer is how much is shown of an answer that is not the right one.
const maxPingAnswer = 4 << 10

// Ping asks the service called name whether it hears this server, for the
// service itself, and returns how long the answer took.
//
// Spec: application-service-api#post_matrixclientv1appserviceappserviceidping
func (r *Registry) Ping(ctx context.Context, p matrix.Principal, name, txn string) (time.Duration, error) {
	s := r.service(name)
	if s == nil || s.ID != p.Appservice {
		return 0, matrix.Errorf(matrix.Forbidden, "An application service can only have itself asked.")
	}
	if s.URL == "" {
		return 0, matrix.Errorf(matrix.URLNotSet, "The registration of the application service has no url.")
	}
	body, err := json.Marshal(map[string]string{"transaction_id": txn})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.opt.Patience)
	defer cancel()
	start := time.Now()
	a, err := r.request(ctx, s, http.MethodPost, "ping", nil, body)
	if err != nil {
		return 0, unreachable(err)
	}
	if !a.isOK() {
		return 0, &matrix.Error{
			Code: matrix.BadStatus, Text: "The application service did not answer with 200.",
			Extra: map[string]any{"status": a.status, "body": shown(a.body)},
		}
	}
	s.alive()
	return time.Since(start), nil
}

// unreachable says why there was no answer.
func unreachable(err error) error {
	var late net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) && late.Timeout() {
		return &matrix.Error{Code: matrix.ConnectionTimeout, Text: "The application service did not answer in time.", Err: err}
	}
	return &matrix.Error{Code: matrix.ConnectionFailed, Text: "The application service cannot be reached.", Err: err}
}

// shown is the beginning of an answer as text.
func shown(body []byte) string {
	body = body[:min(len(body), maxPingAnswer)]
	if !utf8.Valid(body) {
		return ""
	}
	return string(body)
}
