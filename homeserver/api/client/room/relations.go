package room

import (
	"context"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func (a *API) relationRoutes() []httpx.Route {
	const relations = v1 + "/rooms/{roomId}/relations/{eventId}"
	return []httpx.Route{
		httpx.Get(relations, httpx.User, spec+"get_matrixclientv1roomsroomidrelationseventid", httpx.RateDefault, a.relations),
		httpx.Get(relations+"/{relType}", httpx.User, spec+"get_matrixclientv1roomsroomidrelationseventidreltype", httpx.RateDefault, a.relations),
		httpx.Get(relations+"/{relType}/{eventType}", httpx.User, spec+"get_matrixclientv1roomsroomidrelationseventidreltypeeventtype", httpx.RateDefault, a.relations),
		httpx.Get(v1+"/rooms/{roomId}/threads", httpx.User, spec+"get_matrixclientv1roomsroomidthreads", httpx.RateDefault, a.threads),
	}
}

// relations is GET /rooms/{roomId}/relations/{eventId}[/{relType}[/{eventType}]].
func (a *API) relations(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	q, err := relationsQuery(r)
	if err != nil {
		return nil, err
	}
	enc, err := a.encoding(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	q.Skip = skip(enc)
	found, err := a.rooms.Relations(ctx, r.Principal, q)
	if err != nil {
		return nil, err
	}
	var out object
	if out, err = a.events(ctx, out, "chunk", enc, found.Room, found.Events); err != nil {
		return nil, err
	}
	if found.Next != nil {
		out = out.token("next_batch", found.Next.Page())
	}
	if q.From != nil {
		out = out.token("prev_batch", q.From.Page())
	}
	if q.Recursive {
		out = strconv.AppendInt(out.name("recursion_depth"), int64(found.Depth), 10)
	}
	return out.end(), nil
}

func relationsQuery(r *httpx.Request[httpx.None]) (q rooms.RelationsQuery, err error) {
	q = rooms.RelationsQuery{
		Room: room(r), Event: id.EventID(r.Path("eventId")), RelType: r.Path("relType"), Type: r.Path("eventType"),
	}
	back, err := backwards(r, true)
	if err != nil {
		return q, err
	}
	q.Forwards = !back
	if q.From, err = token(r, "from"); err != nil {
		return q, err
	}
	if q.To, err = token(r, "to"); err != nil {
		return q, err
	}
	if q.Limit, err = limit(r, 0); err != nil {
		return q, err
	}
	q.Recursive, err = r.QueryBool("recurse")
	return q, err
}

// threads is GET /rooms/{roomId}/threads.
func (a *API) threads(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	q := rooms.ThreadsQuery{Room: room(r)}
	switch r.Query("include") {
	case "participated":
		q.Participated = true
	case "all", "":
	default:
		return nil, matrix.Errorf(matrix.InvalidParam, "include is all or participated.")
	}
	var err error
	if q.From, err = token(r, "from"); err != nil {
		return nil, err
	}
	if q.Limit, err = limit(r, 0); err != nil {
		return nil, err
	}
	enc, err := a.encoding(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	q.Ignored = enc.Ignored
	found, err := a.rooms.Threads(ctx, r.Principal, q)
	if err != nil {
		return nil, err
	}
	var out object
	if out, err = a.events(ctx, out, "chunk", enc, found.Room, found.Roots); err != nil {
		return nil, err
	}
	if found.Next != nil {
		out = out.token("next_batch", found.Next.Page())
	}
	return out.end(), nil
}
