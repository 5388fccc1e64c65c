package httpx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
	"unicode/utf8"

	"plenum/internal/matrix"
)

// fail answers an error.
func (x *exchange) fail(err error) {
	var own *Answer
	var known *matrix.Error
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, http.ErrAbortHandler):
		x.abort = true
	case x.out.status != 0:
		x.breakOff(err)
	case errors.As(err, &own):
		x.sent(answerOwn(x, own))
	case errors.As(err, &known):
		x.sendError(known, err)
	case errors.As(err, &large):
		x.sendError(&matrix.Error{Code: matrix.TooLarge, Text: fmt.Sprintf("The body is larger than %d bytes.", large.Limit)}, err)
	case x.ended() && !isPanic(err):
		x.gone = true // whatever the error, it comes of that
		x.sendError(&matrix.Error{Code: matrix.Unknown, Status: http.StatusServiceUnavailable, Text: "The request ended before its answer."}, nil)
	default:
		x.sendError(&matrix.Error{Code: matrix.Unknown, Status: http.StatusInternalServerError, Text: "Something went wrong on the server."}, err)
	}
}

// ended reports whether nobody waits for the answer any more: the client went
// away, or the server is stopping and has waited long enough.
func (x *exchange) ended() bool { return x.out.cut || x.http.Context().Err() != nil }

// breakOff gives up an answer that is already on its way.
func (x *exchange) breakOff(err error) {
	x.abort = true
	x.gone = x.ended()
	if !x.gone || isPanic(err) {
		x.logError(err, "answer broken off")
	}
}

// sendError answers with e, and logs err, of which e is what the client may
// know, when the server is to blame.
func (x *exchange) sendError(e *matrix.Error, err error) {
	status := e.HTTPStatus()
	if status == http.StatusInternalServerError {
		x.logError(err, "request failed")
	}
	body := make(map[string]any, 3+len(e.Extra))
	maps.Copy(body, e.Extra)
	if e.Code != "" { // user-interactive authentication asks without one
		body["errcode"], body["error"] = e.Code, shortened(e.Text)
	}
	if e.Code == matrix.LimitExceeded && e.RetryAfter > 0 {
		body["retry_after_ms"] = int64(math.Ceil(float64(e.RetryAfter) / float64(time.Millisecond)))
		x.out.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	x.sent(answerJSON(x, status, body))
}

// longestText is how many bytes of an error's text are sent. Longer ones quote
// what the client has sent, and it knows that.
const longestText = 500

// shortened cuts what is too long of a text.
func shortened(text string) string {
	if len(text) <= longestText {
		return text
	}
	cut := longestText
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// sent looks at the outcome of an answer that is about an error already: there
// is nothing to tell the client about one more.
func (x *exchange) sent(err error) {
	if err == nil {
		return
	}
	x.breakOff(err)
}

// logError reports a fault of the server. The error names what was being done;
// the request itself is not logged.
func (x *exchange) logError(err error, message string) {
	attrs := []slog.Attr{slog.String("route", x.match.endpoint.name()), slog.Any("err", err)}
	var p *panicked
	if errors.As(err, &p) {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	x.mux.log.LogAttrs(context.WithoutCancel(x.http.Context()), slog.LevelError, message, attrs...)
}

// report writes the one line of a request that went as it should.
func (x *exchange) report(took time.Duration) {
	ctx := x.http.Context()
	if !x.mux.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	x.mux.log.LogAttrs(ctx, slog.LevelDebug, "request",
		slog.String("route", x.match.endpoint.name()),
		slog.Int("status", x.status()),
		slog.Duration("took", took))
}

// status is what is counted as the outcome: 499 when nobody was there any more.
func (x *exchange) status() int {
	switch {
	case x.gone:
		return 499
	case x.out.status == 0:
		return http.StatusOK // which net/http sends for a handler that wrote nothing
	}
	return x.out.status
}

// name is how a route is called in logs.
func (e *endpoint) name() string { return e.Method + " " + e.Pattern }

// panicked is the error of a handler that panicked.
type panicked struct {
	value any
	stack []byte
}

// Error implements error.
func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// isPanic reports whether err is a panic, which is a fault whoever waits.
func isPanic(err error) bool {
	var p *panicked
	return errors.As(err, &p)
}

// caught turns what a handler panicked with into an error.
func caught(v any) error {
	if v == http.ErrAbortHandler {
		return http.ErrAbortHandler // the handler's way to break off
	}
	return &panicked{value: v, stack: debug.Stack()}
}
