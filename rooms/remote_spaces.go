package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// foreignSpaces are rooms that this server is not in, as others know them.
// They are kept for a while: people turn pages.
type foreignSpaces struct {
	r      *Rooms
	known  *aging[id.RoomID, *foreignRoom]
	silent *aging[string, struct{}] // by room and servers: nobody tells of it
	ask    singly[id.RoomID]
}

const (
	foreignCached = 2000
	foreignLife   = 5 * time.Minute
	foreignTries  = 3                // servers that are asked for one room
	foreignTime   = 20 * time.Second // that one request waits for other servers
)

// foreignRoom is a room that this server is not in.
type foreignRoom struct {
	summary  Summary
	children []foreignChild // of a space, in their order
	whole    bool           // children are known, too
	direct   bool           // a server in the room said so, not one in a space around it
}

// foreignChild is an m.space.child event, of which nobody has seen more than
// its stripped form.
type foreignChild struct {
	room      id.RoomID
	via       []string
	suggested bool
	raw       json.RawMessage
}

func newForeignSpaces(r *Rooms) (*foreignSpaces, error) {
	known, err := newAging[id.RoomID, *foreignRoom](foreignCached, foreignLife, r.opt.Now)
	if err != nil {
		return nil, err
	}
	silent, err := newAging[string, struct{}](foreignCached, foreignLife, r.opt.Now)
	return &foreignSpaces{r: r, known: known, silent: silent}, err
}

// room returns a room that this server is not in, nil when nobody tells of it.
// What is known of it counts when it is enough.
func (f *foreignSpaces) room(ctx context.Context, room id.RoomID, via []string, enough func(*foreignRoom) bool) (*foreignRoom, error) {
	if f.r.opt.Lookups == nil {
		return nil, nil
	}
	if known, ok := f.known.Get(room); ok && enough(known) {
		return known, nil
	}
	unlock, err := f.ask.lock(ctx, room)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if known, ok := f.known.Get(room); ok && enough(known) {
		return known, nil
	}
	via = via[:min(len(via), foreignTries)]
	asked := string(room) + " " + strings.Join(via, " ")
	if _, ok := f.silent.Get(asked); ok {
		return nil, nil
	}
	for _, server := range via {
		answer, err := f.r.opt.Lookups.Hierarchy(ctx, server, room)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && f.keep(room, answer) {
			known, _ := f.known.Get(room)
			return known, nil
		}
	}
	f.silent.Add(asked, struct{}{})
	return nil, nil
}

func isWhole(r *foreignRoom) bool { return r.whole }

func isDirect(r *foreignRoom) bool { return r.direct }

// keep takes over an answer about a room. It returns false when it is about
// another one.
func (f *foreignSpaces) keep(room id.RoomID, a *ForeignSpace) bool {
	s, ok := parseSummary(a.Room)
	if !ok || s.Room != room {
		return false
	}
	f.known.Add(room, &foreignRoom{summary: s, children: parseChildren(a.Room), whole: true, direct: true})
	for _, raw := range a.Children[:min(len(a.Children), mostForeign)] {
		child, ok := parseSummary(raw)
		if _, known := f.known.Get(child.Room); ok && !known {
			// Of what is no space, nothing more is to be had.
			f.known.Add(child.Room, &foreignRoom{summary: child, whole: child.Type != "m.space"})
		}
	}
	return true
}

// parseChildren reads the children of a space in the order in which they are
// shown.
//
// Spec: client-server-api#ordering-of-children-within-a-space
func parseChildren(space json.RawMessage) []foreignChild {
	var out []foreignChild
	orders := map[id.RoomID]childRank{}
	for i, v := range gjson.GetBytes(space, "children_state").Array() {
		c := foreignChild{room: id.RoomID(v.Get("state_key").Str), suggested: v.Get("content.suggested").Bool()}
		if i == mostForeign || v.Get("type").Str != "m.space.child" || checkRoomID(c.room) != nil || !v.Get("content.via").IsArray() {
			continue
		}
		for _, s := range v.Get("content.via").Array() {
			if len(c.via) < foreignTries {
				c.via = append(c.via, s.Str)
			}
		}
		c.raw = strippedChild(v)
		orders[c.room] = childRank{order: validOrder(v.Get("content.order").Str), ts: v.Get("origin_server_ts").Int(), room: string(c.room)}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b foreignChild) int { return orders[a.room].compare(orders[b.room]) })
	return out
}

// strippedChild writes what clients get of a foreign child.
func strippedChild(v gjson.Result) json.RawMessage {
	b := append([]byte(`{"content":`), v.Get("content").Raw...)
	b = appendText(append(b, `,"sender":`...), v.Get("sender").Str)
	b = appendText(append(b, `,"state_key":`...), v.Get("state_key").Str)
	b = append(b, `,"type":"m.space.child","origin_server_ts":`...)
	return append(strconv.AppendInt(b, v.Get("origin_server_ts").Int(), 10), '}')
}

// mayKnowForeign is MayKnow for a room that this server is not in.
func (r *Rooms) mayKnowForeign(ctx context.Context, user id.UserID, s Summary) (bool, error) {
	m, err := r.MembershipOf(ctx, user, s.Room)
	if err != nil || m.Membership == "invite" || m.Membership == "knock" {
		return err == nil, err
	}
	switch s.JoinRule {
	case "public", "knock", "knock_restricted":
		return true, nil
	}
	if s.WorldReadable {
		return true, nil
	}
	return r.inAnyOf(ctx, user, s)
}

// inAnyOf reports whether user is in one of the rooms whose members may join.
func (r *Rooms) inAnyOf(ctx context.Context, user id.UserID, s Summary) (bool, error) {
	if user == "" || s.JoinRule != "restricted" {
		return false, nil
	}
	for _, room := range s.Allowed {
		m, err := r.MembershipOf(ctx, user, room)
		if err != nil || m.Membership == "join" {
			return err == nil, err
		}
	}
	return false, nil
}

// SummaryOf returns what a room shows of itself to user, "" for anybody: a room
// of this server, or one that is known through servers. Rooms that the user may
// not know are M_NOT_FOUND.
//
// Spec: client-server-api#get_matrixclientv1room_summaryroomidoralias
func (r *Rooms) SummaryOf(ctx context.Context, user id.UserID, room id.RoomID, via []string) (s Summary, membership string, err error) {
	defer matrix.Wrap(&err, "summary of a room")
	unknown := matrix.Errorf(matrix.NotFound, "This server does not know the room.") // as if there were none
	elsewhere, err := r.isElsewhere(ctx, room)
	if err != nil {
		return Summary{}, "", err
	}
	if elsewhere && user != "" { // strangers do not make this server ask others
		return r.foreignSummary(ctx, user, room, via, unknown)
	}
	rm, err := r.Room(ctx, room)
	if err != nil {
		return Summary{}, "", err
	}
	may, err := r.MayKnow(ctx, user, rm)
	if err != nil {
		return Summary{}, "", err
	}
	if !may {
		return Summary{}, "", unknown
	}
	s, err = rm.Summary(ctx)
	return s, rm.MembershipOf(user), err
}

func (r *Rooms) foreignSummary(ctx context.Context, user id.UserID, room id.RoomID, via []string, unknown error) (Summary, string, error) {
	servers, err := r.ways(ctx, user, room, via)
	if err != nil {
		return Summary{}, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, foreignTime)
	defer cancel()
	known, err := r.elsewhere.room(ctx, room, servers, isDirect)
	if errors.Is(err, context.DeadlineExceeded) {
		return Summary{}, "", unknown
	}
	if err != nil {
		return Summary{}, "", err
	}
	if known == nil {
		return Summary{}, "", unknown
	}
	may, err := r.mayKnowForeign(ctx, user, known.summary)
	if err != nil {
		return Summary{}, "", err
	}
	if !may {
		return Summary{}, "", unknown
	}
	m, err := r.MembershipOf(ctx, user, room)
	return known.summary, m.Membership, err
}
