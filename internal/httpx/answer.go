package httpx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
)

// Answer is an answer with a status or headers of its own. A handler returns
// it in place of a plain value, or as its error when its value has another
// type: the 401 with which user-interactive authentication asks for more.
type Answer struct {
	Status int // 0 means 200
	Header http.Header
	Body   any // what a handler may return; nil is {}, or nothing with a redirect
}

// Redirect sends the client to another address.
func Redirect(url string) *Answer {
	return &Answer{Status: http.StatusFound, Header: http.Header{"Location": {url}}}
}

// Error lets a handler return a as its error.
func (a *Answer) Error() string { return fmt.Sprintf("answered with status %d", a.Status) }

// answer writes what a handler has returned.
func answer(x *exchange, v any) error {
	switch v := v.(type) {
	case None, nil:
		return x.send(http.StatusOK, []byte("{}"))
	case JSON:
		return x.send(http.StatusOK, v)
	case json.RawMessage:
		return x.send(http.StatusOK, v)
	case *Answer:
		return answerOwn(x, v)
	}
	return answerJSON(x, http.StatusOK, v)
}

// answerOwn writes an Answer.
func answerOwn(x *exchange, a *Answer) error {
	maps.Copy(x.out.Header(), a.Header)
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch v := a.Body.(type) {
	case nil:
		if status >= 300 && status < 400 || status == http.StatusNoContent {
			x.out.WriteHeader(status)
			return nil
		}
		return x.send(status, []byte("{}"))
	case JSON:
		return x.send(status, v)
	case json.RawMessage:
		return x.send(status, v)
	}
	return answerJSON(x, status, a.Body)
}

// encoder is a JSON encoder that can be used again.
type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

// answerJSON encodes v and sends it.
func answerJSON(x *exchange, status int, v any) error {
	e := encoders.Get().(*encoder)
	e.buf.Reset()
	if err := e.json.Encode(v); err != nil {
		return fmt.Errorf("encode the answer: %w", err) // e is left out of the pool: it remembers errors
	}
	err := x.send(status, bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
	if e.buf.Cap() <= 64<<10 { // rarer, larger ones would stay for ever
		encoders.Put(e)
	}
	return err
}

// send writes an answer of JSON.
func (x *exchange) send(status int, body []byte) error {
	h := x.out.Header()
	h["Content-Type"] = jsonType
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = noStore // answers are for one account, and not for a browser's disk
	}
	if len(body) >= compressFrom {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(x.http) {
			var err error
			if body, err = compress(body); err != nil {
				return fmt.Errorf("compress the answer: %w", err)
			}
			h.Set("Content-Encoding", "gzip")
		}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.out.WriteHeader(status)
	_, err := x.out.Write(body)
	return err
}

// Values of headers, made once.
var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
)
