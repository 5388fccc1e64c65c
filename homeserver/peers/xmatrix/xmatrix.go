// Package xmatrix is the signature that servers put on their requests: what it
// is over, and the header that carries it.
//
// Spec: server-server-api#request-authentication
package xmatrix

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"plenum/rooms/event"
)

// Scheme is the name of the authentication scheme.
const Scheme = "X-Matrix"

// Request is what a signature is over.
type Request struct {
	Method      string
	URI         string // path and query as sent
	Origin      string
	Destination string
	Content     []byte // JSON; empty for none
}

// SigningBytes returns what is signed of a request: it in canonical JSON.
func (r Request) SigningBytes() ([]byte, error) {
	object, err := json.Marshal(struct {
		Content     json.RawMessage `json:"content,omitempty"`
		Destination string          `json:"destination"`
		Method      string          `json:"method"`
		Origin      string          `json:"origin"`
		URI         string          `json:"uri"`
	}{nil, r.Destination, r.Method, r.Origin, r.URI})
	if err != nil {
		return nil, err
	}
	if len(r.Content) == 0 {
		return event.AppendCanonical(nil, object, false)
	}
	// The content comes first in the order of the keys, and is not looked at
	// twice.
	out := make([]byte, 0, len(r.Content)+len(object)+len(`{"content":,`))
	out = append(out, `{"content":`...)
	if out, err = event.AppendCanonical(out, r.Content, false); err != nil {
		return nil, err
	}
	rest, err := event.AppendCanonical(nil, object, false)
	if err != nil {
		return nil, err
	}
	return append(append(out, ','), rest[1:]...), nil
}

// Header is what one Authorization header says.
type Header struct {
	Origin      string
	Destination string // "" from servers before version 1.3 of the specification
	Key         string // such as "ed25519:a1"
	Signature   []byte
}

// String writes the header.
func (h Header) String() string {
	var b strings.Builder
	b.WriteString(Scheme)
	sep := " "
	for _, p := range []struct{ name, value string }{
		{"origin", h.Origin}, {"destination", h.Destination}, {"key", h.Key}, {"sig", base64.RawStdEncoding.EncodeToString(h.Signature)},
	} {
		if p.value == "" {
			continue
		}
		b.WriteString(sep + p.name + `="` + escaper.Replace(p.value) + `"`)
		sep = ","
	}
	return b.String()
}

var escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// maxHeader is how long a header may be: names of servers and of keys have
// 255 bytes at most.
const maxHeader = 2048

var (
	// ErrScheme is returned for headers of other schemes.
	ErrScheme    = errors.New("not an X-Matrix header")
	errGrammar   = errors.New("the X-Matrix header is not well formed")
	errLong      = errors.New("the X-Matrix header is too long")
	errParameter = errors.New("the X-Matrix header needs origin, key and sig, each once")
	errSignature = errors.New("the signature in the X-Matrix header is not base64 of the right length")
)

// Parse reads a header. Parameters that are not known are passed over, and
// values may stand without quotes though they hold colons, as old servers
// write them.
func Parse(header string) (Header, error) {
	if len(header) > maxHeader {
		return Header{}, errLong
	}
	scheme, rest, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, Scheme) {
		return Header{}, ErrScheme
	}
	var h Header
	var signature string
	for rest = trim(rest); rest != ""; {
		name, value, after, err := parameter(rest)
		if err != nil {
			return Header{}, err
		}
		rest = after
		var to *string
		switch strings.ToLower(name) {
		case "origin":
			to = &h.Origin
		case "destination":
			to = &h.Destination
		case "key":
			to = &h.Key
		case "sig":
			to = &signature
		default:
			continue
		}
		if *to != "" || value == "" {
			return Header{}, errParameter
		}
		*to = value
	}
	if h.Origin == "" || h.Key == "" || signature == "" {
		return Header{}, errParameter
	}
	var err error
	h.Signature, err = base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(signature, "="))
	if err != nil || len(h.Signature) != 64 {
		return Header{}, errSignature
	}
	return h, nil
}

// parameter reads the first parameter of s, and the comma after it.
func parameter(s string) (name, value, rest string, err error) {
	end := strings.IndexAny(s, "= \t,")
	if end <= 0 {
		return "", "", "", errGrammar
	}
	name, s = s[:end], trim(s[end:])
	if !strings.HasPrefix(s, "=") {
		return "", "", "", errGrammar
	}
	if s = trim(s[1:]); strings.HasPrefix(s, `"`) {
		value, s, err = quoted(s[1:])
	} else {
		end := strings.IndexAny(s, ", \t\"")
		if end < 0 {
			end = len(s)
		}
		value, s = s[:end], s[end:]
	}
	if err != nil {
		return "", "", "", err
	}
	s = trim(s)
	if s == "" {
		return name, value, "", nil
	}
	if s[0] != ',' {
		return "", "", "", errGrammar
	}
	for s = trim(s[1:]); strings.HasPrefix(s, ","); s = trim(s[1:]) { // lists may have empty elements
	}
	return name, value, s, nil
}

// quoted reads a string up to its closing quote.
func quoted(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], nil
		case c == '\\':
			if i++; i == len(s) {
				return "", "", errGrammar
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errGrammar
}

func trim(s string) string { return strings.Trim(s, " \t") }
