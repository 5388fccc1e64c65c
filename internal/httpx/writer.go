package httpx

import (
	"io"
	"net/http"
)

// writer remembers what is written through it.
type writer struct {
	http.ResponseWriter
	status int   // 0 while nothing is written
	size   int64 // bytes of the body
	cut    bool  // nobody takes what is written
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 && status >= 200 { // others only announce the answer
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (int, error) {
	w.begun()
	n, err := w.ResponseWriter.Write(p)
	w.size += int64(n)
	w.cut = w.cut || err != nil
	return n, err
}

// ReadFrom implements io.ReaderFrom, with which net/http copies files without
// a buffer of ours.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	w.begun()
	n, err := io.Copy(w.ResponseWriter, r)
	w.size += n
	return n, err
}

// Flush implements http.Flusher.
func (w *writer) Flush() {
	w.begun()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // what cannot be flushed is sent at the end
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// begun notes that the answer has begun, with status 200 if nothing was said.
func (w *writer) begun() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}
