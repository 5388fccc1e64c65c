package homeserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// InProcess returns a RoundTripper whose requests h serves in this process,
// without a network. Answers are streamed like over a connection.
func InProcess(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ handler http.Handler }

// RoundTrip serves r in a goroutine that ends with the request's context or
// when the answer's body is closed.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	body, pipe := io.Pipe()
	w := &pipeWriter{header: http.Header{}, trailer: http.Header{}, pipe: pipe, begun: make(chan struct{})}
	go func() {
		defer cancel()
		w.finish(serveOne(t.handler, w, incoming(ctx, r)))
	}()
	select {
	case <-w.begun:
	case <-ctx.Done():
		select {
		case <-w.begun: // both at once: it ended because it was done
		default:
			cancel()
			return nil, ctx.Err()
		}
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
		StatusCode: w.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        w.sent,
		Trailer:       w.trailer,
		Body:          &answerBody{body, cancel},
		ContentLength: -1,
		Request:       r,
	}, nil
}

// incoming is r as a server sees it.
func incoming(ctx context.Context, r *http.Request) *http.Request {
	in := r.Clone(ctx)
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	return in
}

// serveOne turns a panic of the handler into an error, as a connection would
// break.
func serveOne(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the handler panicked: %v", v)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// pipeWriter is the handler's side of an answer.
type pipeWriter struct {
	header, sent http.Header
	trailer      http.Header // filled before the pipe is closed
	status       int
	pipe         *io.PipeWriter
	once         sync.Once
	begun        chan struct{} // closed when status and sent are set
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// Flush has nothing to do: whatever is written is there at once.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

// finish ends the answer.
func (w *pipeWriter) finish(err error) {
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
	w.WriteHeader(http.StatusOK)
	for name, values := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			w.trailer[http.CanonicalHeaderKey(name)] = values
		}
	}
	_ = w.pipe.CloseWithError(err) // never fails
}

// answerBody is the client's side of an answer.
type answerBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close lets a handler that is still writing know that nobody reads.
func (b *answerBody) Close() error {
	b.cancel()
	return errors.Join(b.PipeReader.Close())
}
