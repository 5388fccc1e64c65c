package event

import (
	"strconv"
	"unsafe"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"
)

// read makes the PDU of a canonical event, which ev names if it is not empty.
func read(rules *Rules, canonical []byte, ev id.EventID) (*PDU, error) {
	p := &PDU{ID: ev, JSON: canonical, Rules: rules}
	r := reader{p: p}
	eachMember(canonical, r.member)
	r.must("auth_events, content, depth, origin_server_ts, prev_events, sender or type", r.required == 7)
	r.must("room_id", p.Room != "" || rules.Creators && p.Is("m.room.create", ""))
	r.must("event_id", p.ID != "" || rules.IDs != OwnID)
	if r.wrong != "" {
		return nil, badFormat(r.wrong + " is missing or malformed")
	}
	r.redacts()
	if p.ID == "" {
		p.ID = hashID(rules, p.Hash())
	}
	if p.Room == "" {
		p.Room = roomOf(p.ID)
	}
	return p, nil
}

// reader fills in a PDU.
type reader struct {
	p        *PDU
	wrong    string // the first member that is not what it has to be
	required int    // how many members have been read that every event has
	target   string // redacts at the top level
}

// member reads one member of the event.
//
// Spec: rooms/v11#event-format
func (r *reader) member(name string, v gjson.Result) {
	p := r.p
	r.required++
	switch name {
	case "auth_events":
		p.Auth = r.refs(name, v)
	case "content":
		r.must(name, v.IsObject())
		p.Content = unsafe.Slice(unsafe.StringData(v.Raw), len(v.Raw)) // of p.JSON
	case "depth":
		p.Depth = r.integer(name, v)
	case "origin_server_ts":
		p.TS = r.integer(name, v)
	case "prev_events":
		p.Prev = r.refs(name, v)
	case "sender":
		p.Sender = id.UserID(r.text(name, v))
	case "type":
		p.Type = r.text(name, v)
	default:
		r.required--
		r.optional(name, v)
	}
}

// optional reads a member that not every event has.
func (r *reader) optional(name string, v gjson.Result) {
	p := r.p
	switch name {
	case "event_id":
		if p.ID == "" && p.Rules.IDs == OwnID {
			p.ID = id.EventID(r.text(name, v))
		}
	case stickyName:
		p.Sticky = readStickiness(v)
	case "redacts":
		r.target = v.Str
	case "room_id":
		p.Room = id.RoomID(r.text(name, v))
	case "state_key":
		key := r.text(name, v)
		p.StateKey = &key
	}
}

// redacts reads what the event redacts.
func (r *reader) redacts() {
	p := r.p
	switch {
	case p.Type != "m.room.redaction":
	case p.Rules.Redaction.RedactsInContent:
		p.Redacts = id.EventID(parse(p.Content).Get("redacts").Str)
	default:
		p.Redacts = id.EventID(r.target)
	}
}

func (r *reader) must(name string, ok bool) {
	if !ok && r.wrong == "" {
		r.wrong = name
	}
}

func (r *reader) text(name string, v gjson.Result) string {
	r.must(name, v.Type == gjson.String)
	return v.Str
}

func (r *reader) integer(name string, v gjson.Result) int64 {
	n, err := strconv.ParseInt(v.Raw, 10, 64)
	r.must(name, err == nil)
	return n
}

// refs reads a list of ids, in versions 1 and 2 of pairs of id and hash.
func (r *reader) refs(name string, list gjson.Result) []id.EventID {
	r.must(name, list.IsArray())
	var out []id.EventID
	list.ForEach(func(_, v gjson.Result) bool {
		if r.p.Rules.IDs == OwnID {
			v = v.Get("0")
		}
		out = append(out, id.EventID(r.text(name, v)))
		return true
	})
	return out
}
