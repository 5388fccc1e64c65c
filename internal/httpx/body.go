package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"unicode/utf8"

	"plenum/internal/matrix"
)

// decode reads the body into v, a pointer to what a handler takes. It leaves
// the body to the handler that takes None.
func decode(x *exchange, v any) error {
	if _, ok := v.(*None); ok {
		limitBody(x)
		return nil
	}
	body, err := readBody(x)
	if err != nil {
		return err
	}
	if len(body) == 0 && x.http.Method != http.MethodPut {
		body = []byte("{}")
	}
	if len(body) == 0 && x.match.endpoint.MayBeEmpty {
		return nil
	}
	shape, err := inspect(body)
	if err != nil {
		return err
	}
	if raw, ok := v.(*json.RawMessage); ok {
		if !json.Valid(body) {
			return notJSON(body)
		}
		*raw = body
		return nil
	}
	if shape.nul {
		return matrix.Errorf(matrix.BadJSON, "The body holds the character NUL.")
	}
	return decodeError(json.Unmarshal(body, v))
}

// limitBody makes reads of the body fail beyond the route's limit, if it has one.
func limitBody(x *exchange) {
	if n := x.match.endpoint.MaxBody; n > 0 && x.body == nil {
		x.http.Body = http.MaxBytesReader(x.out.ResponseWriter, x.http.Body, n)
	}
}

// readBody returns the whole body.
func readBody(x *exchange) ([]byte, error) {
	if x.body != nil {
		return x.body, nil
	}
	limit := x.match.endpoint.MaxBody
	if limit == 0 {
		limit = DefaultBodyLimit
	}
	r := x.http
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	// No more memory at once than a slow sender of nothing is worth.
	body := make([]byte, 0, min(max(r.ContentLength, 511)+1, 32<<10))
	for {
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, tooLarge(limit)
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, broken(err)
		case len(body) == cap(body):
			body = append(body, 0)[:len(body)]
		}
	}
}

// tooLarge is the error for a body of more than limit bytes.
func tooLarge(limit int64) error {
	return matrix.Errorf(matrix.TooLarge, "The body is larger than %d bytes.", limit)
}

// broken is the error for a body that did not arrive whole.
func broken(err error) error {
	return &matrix.Error{Code: matrix.NotJSON, Text: "The body did not arrive whole.", Err: err}
}

// maxDepth is how deep the values of a body may be nested: more than anybody
// needs, and little enough for whoever has to walk through it.
const maxDepth = 100

// shape is what can be said of a body of JSON before it is parsed.
type shape struct {
	nul bool // a string holds NUL, which cannot be stored as text
}

// inspect reports why body cannot be a JSON object fit for this server. It
// does not check the grammar.
func inspect(body []byte) (shape, error) {
	if !utf8.Valid(body) {
		return shape{}, matrix.Errorf(matrix.NotJSON, "The body is not valid UTF-8.")
	}
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		if !json.Valid(body) {
			return shape{}, notJSON(body)
		}
		return shape{}, matrix.Errorf(matrix.BadJSON, "The body must be a JSON object.")
	}
	var s shape
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			inString = !inString
		case c == '\\' && inString:
			s.nul = s.nul || bytes.HasPrefix(body[i:], []byte(`\u0000`))
			i++ // what is escaped ends no string
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return shape{}, matrix.Errorf(matrix.BadJSON, "The body is nested deeper than %d values.", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return s, nil
}

// notJSON says what is wrong with a body that does not parse.
func notJSON(body []byte) error {
	var v json.RawMessage
	if len(bytes.TrimSpace(body)) == 0 {
		return matrix.Errorf(matrix.NotJSON, "The body is empty; it must be a JSON object.")
	}
	return decodeError(json.Unmarshal(body, &v))
}

// decodeError turns an error of encoding/json into one for the client, who
// can only mend what is named.
func decodeError(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	var own *matrix.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own): // of a type that checks itself
		return err
	case errors.As(err, &syntax):
		return matrix.Errorf(matrix.NotJSON, "The body is not JSON: %s at byte %d.", syntax, syntax.Offset)
	case errors.As(err, &wrong):
		return matrix.Errorf(matrix.BadJSON, "%q must be %s, not %s.", wrong.Field, expected(wrong.Type), article(wrong.Value))
	}
	return &matrix.Error{Code: matrix.BadJSON, Text: "A value in the body has the wrong form.", Err: err}
}

// expected returns the words for the JSON that a Go type is read from.
func expected(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number that is not negative"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "an array"
	}
	return "an object"
}

// article returns what encoding/json calls a value as words.
func article(value string) string {
	switch value {
	case "array", "object":
		return "an " + value
	case "bool":
		return "true or false"
	}
	return "a " + value // "string", "number", "number 1.5"
}
