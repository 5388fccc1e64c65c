package httpx

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// compressFrom is the size from which on answers are compressed.
const compressFrom = 8 << 10

var compressors = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return z
}}

// sendGzip writes a compressed answer.
func (x *exchange) sendGzip(status int, body []byte) error {
	x.out.Header().Set("Content-Encoding", "gzip")
	x.out.WriteHeader(status)
	if x.http.Method == http.MethodHead {
		return nil
	}
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(&x.out)
	if _, err := z.Write(body); err != nil {
		return err
	}
	return z.Close()
}

// acceptsGzip reports whether the client wants answers compressed.
func acceptsGzip(r *http.Request) bool {
	for _, header := range r.Header["Accept-Encoding"] {
		for part := range strings.SplitSeq(header, ",") {
			coding, params, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				return !refuses(params)
			}
		}
	}
	return false
}

// refuses reports whether the parameters of a coding are q=0, however written.
func refuses(params string) bool {
	q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
	return ok && strings.Trim(q, "0.") == ""
}
