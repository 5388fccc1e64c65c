package room

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
	"plenum/internal/httpx"
	"plenum/internal/matrix"
	"plenum/rooms"
)

func (a *API) readingRoutes() []httpx.Route {
	const room = v3 + "/rooms/{roomId}"
	return []httpx.Route{
		httpx.Get(room+"/messages", httpx.User, spec+"get_matrixclientv3roomsroomidmessages", httpx.RateDefault, a.messages),
		httpx.Get(room+"/context/{eventId}", httpx.User, spec+"get_matrixclientv3roomsroomidcontexteventid", httpx.RateDefault, a.around),
		httpx.Get(room+"/event/{eventId}", httpx.User, spec+"get_matrixclientv3roomsroomideventeventid", httpx.RateDefault, a.event),
		httpx.Get(v3+"/events/{eventId}", httpx.User, spec+"get_matrixclientv3eventseventid", httpx.RateDefault, a.eventAlone),
		httpx.Get(room+"/initialSync", httpx.User, spec+"get_matrixclientv3roomsroomidinitialsync", httpx.RateDefault, a.preview),
		httpx.Get(room+"/aliases", httpx.User, spec+"get_matrixclientv3roomsroomidaliases", httpx.RateDefault, a.aliases),
		httpx.Get(v1+"/rooms/{roomId}/timestamp_to_event", httpx.User, spec+"get_matrixclientv1roomsroomidtimestamp_to_event", httpx.RateDefault, a.eventAt),
	}
}

// room returns the room of the path.
func room[T any](r *httpx.Request[T]) id.RoomID { return id.RoomID(r.Path("roomId")) }

// messages is GET /rooms/{roomId}/messages.
func (a *API) messages(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	q, err := page(r)
	if err != nil {
		return nil, err
	}
	enc, err := a.encoding(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	q.Skip = skip(enc)
	c, err := a.rooms.Messages(ctx, r.Principal, room(r), q)
	if err != nil {
		return nil, err
	}
	out := make(object, 0, 1024*(len(c.Events)+len(c.State)+1))
	out, err = a.events(ctx, out, "chunk", enc, c.Room, c.Events)
	if err != nil {
		return nil, err
	}
	if c.End != nil {
		out = out.token("end", c.End.Page())
	}
	out = out.token("start", startOf(r, c.Start))
	if len(c.State) > 0 {
		enc.Bundle = false
		if out, err = a.events(ctx, out, "state", enc, c.Room, c.State); err != nil {
			return nil, err
		}
	}
	return out.end(), nil
}

// startOf is the token that the client began with, in the words in which it
// gave it.
func startOf(r *httpx.Request[httpx.None], t rooms.Token) string {
	if from := r.Query("from"); from != "" {
		return from // it was parsed, so it needs no escapes
	}
	return t.Page()
}

// page is the part of a room's history that a request asks for.
func page(r *httpx.Request[httpx.None]) (q rooms.Page, err error) {
	if q.Backwards, err = backwards(r, false); err != nil {
		return q, err
	}
	if q.From, err = token(r, "from"); err != nil {
		return q, err
	}
	if q.To, err = token(r, "to"); err != nil {
		return q, err
	}
	if q.Limit, err = limit(r, 0); err != nil {
		return q, err
	}
	q.Filter, err = eventFilter(r)
	return q, err
}

// backwards reads the parameter dir.
func backwards(r *httpx.Request[httpx.None], def bool) (bool, error) {
	switch r.Query("dir") {
	case "b":
		return true, nil
	case "f":
		return false, nil
	case "":
		return def, nil
	}
	return false, matrix.Errorf(matrix.InvalidParam, "dir is b, for backwards, or f, for forwards.")
}

// token reads a parameter that is a token; nil when it is not given.
func token(r *httpx.Request[httpx.None], name string) (*rooms.Token, error) {
	if r.Query(name) == "" {
		return nil, nil
	}
	t, err := rooms.ParseToken(r.Query(name))
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// limit reads the parameter limit.
func limit(r *httpx.Request[httpx.None], def int) (int, error) {
	n, err := r.QueryInt("limit", def)
	if err == nil && n < 0 && r.HasQuery("limit") {
		err = matrix.Errorf(matrix.InvalidParam, "limit cannot be negative.")
	}
	return n, err
}

// eventFilter reads the parameter filter, which is JSON; nil when it is not given.
func eventFilter(r *httpx.Request[httpx.None]) (*filter.Events, error) {
	if r.Query("filter") == "" {
		return nil, nil
	}
	return filter.ParseEvents([]byte(r.Query("filter")))
}

// encoding is how events are written for p.
func (a *API) encoding(ctx context.Context, p matrix.Principal) (rooms.Encoding, error) {
	enc := rooms.Encoding{Principal: p, RoomID: true, Bundle: true}
	ignored, err := a.userdata.Ignores(ctx, p.User)
	if len(ignored) > 0 {
		enc.Ignored = ignored.Has
	}
	return enc, err
}

// skip keeps the messages of those who are ignored out of a page. Their state
// events stay: the room would look wrong without.
//
// Spec: client-server-api#ignoring-users
func skip(enc rooms.Encoding) func(*rooms.Event) bool {
	if enc.Ignored == nil {
		return nil
	}
	return func(e *rooms.Event) bool { return !e.IsState() && enc.Ignored(e.Sender) }
}

// events writes a member that is a list of events.
func (a *API) events(ctx context.Context, out object, name string, enc rooms.Encoding, rm *rooms.Room, evs []*rooms.Event) (object, error) {
	return a.rooms.AppendEventList(ctx, out.name(name), enc, rm, evs)
}

// around is GET /rooms/{roomId}/context/{eventId}.
func (a *API) around(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	n, err := limit(r, -1)
	if err != nil {
		return nil, err
	}
	f, err := eventFilter(r)
	if err != nil {
		return nil, err
	}
	enc, err := a.encoding(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	c, err := a.rooms.Around(ctx, r.Principal, rooms.AroundQuery{
		Room: room(r), Event: id.EventID(r.Path("eventId")), Limit: n, Filter: f, Skip: skip(enc),
	})
	if err != nil {
		return nil, err
	}
	var out object
	if out, err = a.rooms.AppendEvents(ctx, out.name("event"), enc, c.Room, []*rooms.Event{c.Event}); err != nil {
		return nil, err
	}
	if out, err = a.events(ctx, out, "events_before", enc, c.Room, c.Before); err != nil {
		return nil, err
	}
	if out, err = a.events(ctx, out, "events_after", enc, c.Room, c.After); err != nil {
		return nil, err
	}
	enc.Bundle = false
	if out, err = a.events(ctx, out, "state", enc, c.Room, c.State); err != nil {
		return nil, err
	}
	return out.token("start", c.Start.Page()).token("end", c.End.Page()).end(), nil
}

// event is GET /rooms/{roomId}/event/{eventId}.
func (a *API) event(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	rm, e, err := a.rooms.EventIn(ctx, r.Principal, room(r), id.EventID(r.Path("eventId")))
	if err != nil {
		return nil, err
	}
	enc, err := a.encoding(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	return a.rooms.AppendEvents(ctx, nil, enc, rm, []*rooms.Event{e})
}

// eventAlone is GET /events/{eventId}, from when ids said in which room an
// event is.
func (a *API) eventAlone(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	e, err := a.rooms.Event(ctx, id.EventID(r.Path("eventId")))
	if err != nil {
		return nil, err
	}
	rm, e, err := a.rooms.EventIn(ctx, r.Principal, e.Room, e.ID)
	if matrix.IsCode(err, matrix.Forbidden) || matrix.IsCode(err, matrix.NotFound) { // of a room that is not shown, as if there were none
		err = matrix.Errorf(matrix.NotFound, "There is no such event.")
	}
	if err != nil {
		return nil, err
	}
	enc, err := a.encoding(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	return a.rooms.AppendEvents(ctx, nil, enc, rm, []*rooms.Event{e})
}

// preview is GET /rooms/{roomId}/initialSync.
func (a *API) preview(ctx context.Context, r *httpx.Request[httpx.None]) (httpx.JSON, error) {
	n, err := limit(r, 0)
	if err != nil {
		return nil, err
	}
	enc, err := a.encoding(ctx, r.Principal)
	if err != nil {
		return nil, err
	}
	p, err := a.rooms.Preview(ctx, r.Principal, room(r), n)
	if err != nil {
		return nil, err
	}
	var chunk object
	if chunk, err = a.events(ctx, chunk, "chunk", enc, p.Room, p.Events); err != nil {
		return nil, err
	}
	if p.End != nil {
		chunk = chunk.token("start", p.End.Page())
	}
	chunk = chunk.token("end", p.Start.Page())
	var out object
	out = append(out.name("messages"), chunk.end()...)
	enc.Bundle = false
	if out, err = a.events(ctx, out, "state", enc, p.Room, p.State); err != nil {
		return nil, err
	}
	if out, err = out.text("room_id", string(p.Room.ID())); err != nil {
		return nil, err
	}
	if p.Membership != "" {
		out = out.token("membership", p.Membership)
	}
	return out.token("visibility", visibility(p.Room)).end(), nil
}

func visibility(rm *rooms.Room) string {
	if rm.IsPublic() {
		return "public"
	}
	return "private"
}

type aliasesResponse struct {
	Aliases []id.RoomAlias `json:"aliases"`
}

// aliases is GET /rooms/{roomId}/aliases.
func (a *API) aliases(ctx context.Context, r *httpx.Request[httpx.None]) (aliasesResponse, error) {
	list, err := a.rooms.Aliases(ctx, r.Principal, room(r))
	if list == nil {
		list = []id.RoomAlias{}
	}
	return aliasesResponse{list}, err
}

type eventAtResponse struct {
	Event id.EventID `json:"event_id"`
	TS    int64      `json:"origin_server_ts"`
}

// eventAt is GET /rooms/{roomId}/timestamp_to_event.
func (a *API) eventAt(ctx context.Context, r *httpx.Request[httpx.None]) (eventAtResponse, error) {
	if !r.HasQuery("ts") || !r.HasQuery("dir") {
		return eventAtResponse{}, matrix.Errorf(matrix.MissingParam, "ts and dir say which event is looked for.")
	}
	ts, err := r.QueryInt("ts", 0)
	if err != nil {
		return eventAtResponse{}, err
	}
	back, err := backwards(r, false)
	if err != nil {
		return eventAtResponse{}, err
	}
	e, err := a.rooms.EventAt(ctx, r.Principal, room(r), int64(ts), back)
	if err != nil {
		return eventAtResponse{}, err
	}
	return eventAtResponse{e.ID, e.TS}, nil
}
