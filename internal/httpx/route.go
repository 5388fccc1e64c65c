package httpx

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// DefaultBodyLimit is how many bytes of JSON a route takes unless its Limit
// says otherwise.
const DefaultBodyLimit = 1 << 20

// Route is one endpoint: where it is, who may call it, and its handler.
//
// Pattern is a full path. A segment {name} stands for one segment of the path,
// percent-decoded, which may be empty only at the end ("/state/m.room.name/").
// At the end of a pattern, {name?} may also be left out with its slash, and
// {name...} stands for the rest of the path.
type Route struct {
	Method  string
	Pattern string
	Aliases []string // further patterns with the same handler and the same parameters
	Access  Access
	Spec    string // section that defines the endpoint: "client-server-api#get_matrixclientv3sync"
	Rate    Rate
	MaxBody int64 // bytes; 0 means DefaultBodyLimit, or no limit when the handler reads the body itself

	// MayBeEmpty lets a PUT without a body reach a handler that takes
	// json.RawMessage, which then is nil.
	MayBeEmpty bool

	body  reflect.Type
	serve func(*exchange) error
}

// BodyType returns what the handler takes the body as. It is None when the body
// is not looked at, or the handler reads it itself.
func (r Route) BodyType() reflect.Type { return r.body }

// Also returns r served under further patterns too, such as unstable paths.
func (r Route) Also(patterns ...string) Route {
	r.Aliases = append(slices.Clip(r.Aliases), patterns...)
	return r
}

// OrEmpty returns r with MayBeEmpty set.
func (r Route) OrEmpty() Route {
	r.MayBeEmpty = true
	return r
}

// Limit returns r with a body of at most n bytes.
func (r Route) Limit(n int64) Route {
	r.MaxBody = n
	return r
}

// Paths lists every pattern that r is served under: its own, its aliases, and
// the older prefixes of each.
func (r Route) Paths() []string {
	own := append([]string{r.Pattern}, r.Aliases...)
	all := slices.Clone(own)
	for _, p := range own {
		all = append(all, older(p)...)
	}
	return all
}

// older returns the patterns under which clients of older versions of the
// specification look for p.
func older(p string) []string {
	if rest, ok := strings.CutPrefix(p, "/_matrix/client/v3/"); ok {
		return []string{"/_matrix/client/r0/" + rest}
	}
	if rest, ok := strings.CutPrefix(p, "/_matrix/media/v3/"); ok {
		return []string{"/_matrix/media/r0/" + rest, "/_matrix/media/v1/" + rest}
	}
	return nil
}

// None is a request whose body is not looked at, or the answer {}. A handler
// that takes None may read HTTP.Body itself.
type None struct{}

// JSON is an answer that is sent as it is. It must be valid JSON.
type JSON []byte

// Get makes a route for GET requests, and for HEAD.
func Get[Resp any](pattern string, a Access, spec string, rate Rate, fn func(context.Context, *Request[None]) (Resp, error)) Route {
	return typed(http.MethodGet, pattern, a, spec, rate, fn)
}

// Put makes a route for PUT requests. Unless Req is None the body must be a
// JSON object.
func Put[Req, Resp any](pattern string, a Access, spec string, rate Rate, fn func(context.Context, *Request[Req]) (Resp, error)) Route {
	return typed(http.MethodPut, pattern, a, spec, rate, fn)
}

// Post makes a route for POST requests. Unless Req is None the body must be a
// JSON object; no body at all counts as {}.
func Post[Req, Resp any](pattern string, a Access, spec string, rate Rate, fn func(context.Context, *Request[Req]) (Resp, error)) Route {
	return typed(http.MethodPost, pattern, a, spec, rate, fn)
}

// Delete makes a route for DELETE requests. Unless Req is None the body must
// be a JSON object; no body at all counts as {}.
func Delete[Req, Resp any](pattern string, a Access, spec string, rate Rate, fn func(context.Context, *Request[Req]) (Resp, error)) Route {
	return typed(http.MethodDelete, pattern, a, spec, rate, fn)
}

// Raw makes a route whose handler writes its answer itself: media and pages.
// An error that it returns before having written anything is answered like
// that of any other route.
func Raw(method, pattern string, a Access, spec string, rate Rate, fn func(http.ResponseWriter, *Request[None]) error) Route {
	return Route{
		Method: method, Pattern: pattern, Access: a, Spec: spec, Rate: rate, body: reflect.TypeFor[None](),
		serve: func(x *exchange) error {
			limitBody(x)
			return fn(&x.out, &Request[None]{Principal: x.principal, Origin: x.origin, HTTP: x.http, x: x})
		},
	}
}

func typed[Req, Resp any](method, pattern string, a Access, spec string, rate Rate, fn func(context.Context, *Request[Req]) (Resp, error)) Route {
	return Route{
		Method: method, Pattern: pattern, Access: a, Spec: spec, Rate: rate, body: reflect.TypeFor[Req](),
		serve: func(x *exchange) error {
			req := Request[Req]{Principal: x.principal, Origin: x.origin, HTTP: x.http, x: x}
			if err := decode(x, &req.Body); err != nil {
				return err
			}
			resp, err := fn(x.http.Context(), &req)
			if err != nil {
				return err
			}
			return answer(x, resp)
		},
	}
}
