package rooms

import (
	"context"
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/storage/eventlog"
)

// Encoding says for whom, and in which form, events are written.
type Encoding struct {
	Principal  matrix.Principal     // who asks; nobody for a stranger
	RoomID     bool                 // write room_id, where the answer does not name the room otherwise
	Bundle     bool                 // sum up edits, threads and references under m.relations
	Ignored    func(id.UserID) bool // whose events do not count in such sums; nil: everybody's do
	Federation bool                 // as servers exchange them, not as clients know them
	Fields     *filter.Fields       // what is wanted of each event; nil: all
}

// AppendEvents appends evs, events of rm, as JSON values separated by commas.
// It splices what is stored ready for use and adds what depends on who asks:
// nothing is encoded again, and nothing read that is in memory.
//
// Whether they may see the events is not checked here, but what is shown
// beside an event (what it replaced, what relates to it) is only shown to those
// who may see that too.
//
// Spec: client-server-api#room-event-format
func (r *Rooms) AppendEvents(ctx context.Context, dst []byte, enc Encoding, rm *Room, evs []*Event) (_ []byte, err error) {
	defer matrix.Wrap(&err, "encode events")
	if len(evs) == 0 {
		return dst, nil
	}
	x, err := r.newEncoder(ctx, enc, rm, evs)
	if err != nil {
		return nil, err
	}
	for i, e := range evs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = x.append(dst, e)
	}
	return dst, nil
}

// AppendEventList is AppendEvents with the brackets of a JSON list around it.
func (r *Rooms) AppendEventList(ctx context.Context, dst []byte, enc Encoding, rm *Room, evs []*Event) ([]byte, error) {
	dst, err := r.AppendEvents(ctx, append(dst, '['), enc, rm, evs)
	return append(dst, ']'), err
}

// encoder writes the events of one answer.
type encoder struct {
	ctx    context.Context
	r      *Rooms
	rm     *Room
	enc    Encoding
	now    int64
	sight  *sight
	beside map[matrix.Position]*Event // what is shown beside the events
	hidden map[matrix.Position]*Event // redacted forms of what is shown only so
	sums   map[id.EventID]*sum        // nil when there are none
}

// newEncoder gathers what is needed to write evs: as a rule that is in memory.
func (r *Rooms) newEncoder(ctx context.Context, enc Encoding, rm *Room, evs []*Event) (*encoder, error) {
	x := &encoder{ctx: ctx, r: r, rm: rm, enc: enc, now: r.opt.Now().UnixMilli()}
	var err error
	if x.sight, err = rm.sight(ctx, enc.Principal.User); err != nil {
		return nil, err
	}
	if enc.Bundle {
		if err := x.sumUp(evs); err != nil {
			return nil, err
		}
	}
	want, low := x.wanted(nil, maxPos, evs)
	for _, s := range x.sums {
		want, low = x.wanted(want, low, s.events())
	}
	if len(want) > 0 {
		if x.beside, err = r.Events(ctx, want); err != nil {
			return nil, err
		}
	}
	if !x.sight.seen.open {
		for _, e := range x.beside {
			low = min(low, e.Pos)
		}
	}
	if x.sight.is != eventlog.None && low < x.sight.since {
		if err := x.sight.remember(ctx); err != nil {
			return nil, err
		}
	}
	return x, x.hide(evs)
}

// wanted adds to want what is shown beside evs.
func (x *encoder) wanted(want []matrix.Position, low matrix.Position, evs []*Event) ([]matrix.Position, matrix.Position) {
	for _, e := range evs {
		low = min(low, e.Pos)
		if e.Replaces != 0 {
			want = append(want, e.Replaces)
		}
		if e.RedactedBy != 0 {
			want = append(want, e.RedactedBy)
		}
	}
	return want, low
}

// append writes e for who asks.
func (x *encoder) append(dst []byte, e *Event) []byte {
	if x.enc.Fields == nil {
		return x.appendWhole(dst, e, 0)
	}
	return x.enc.Fields.Append(dst, x.appendWhole(nil, e, 0))
}

// appendWhole writes e. Events inside of others, to the depth given, have sums
// only if they are the newest reply of a thread: nothing goes round in circles.
func (x *encoder) appendWhole(dst []byte, e *Event, depth int) []byte {
	dst = x.open(dst, e)
	if prev := x.beside[e.Replaces]; prev != nil {
		dst = x.appendReplaced(dst, prev, e.Pos)
	}
	if by := x.beside[e.RedactedBy]; by != nil {
		dst = append(dst, `,"redacted_because":`...)
		dst = append(x.open(dst, by), `}}`...)
	}
	if txn := x.r.txns.text(x.ctx, x.enc.Principal, e); txn != "" {
		dst = append(dst, `,"transaction_id":`...)
		dst = appendText(dst, txn)
	}
	dst = x.r.delays.appendTo(x.ctx, dst, x.enc.Principal.User, e)
	if s := x.sums[e.ID]; s != nil && depth < 2 {
		dst = x.appendSum(dst, s, depth)
	}
	return append(dst, `}}`...)
}

// open writes e up to the inside of its unsigned part, which has an age and, for
// users, their membership at e.
func (x *encoder) open(dst []byte, e *Event) []byte {
	e = x.form(e)
	if x.enc.Federation {
		dst = append(dst, e.PDU[:len(e.PDU)-1]...)
	} else {
		dst = append(dst, e.Client[:len(e.Client)-1]...)
		if x.enc.RoomID {
			dst = append(dst, x.rm.field...)
		}
	}
	dst = append(dst, `,"unsigned":{"age":`...)
	dst = strconv.AppendInt(dst, x.now-e.TS, 10)
	dst = x.r.sticky.appendTo(dst, e, x.now)
	if x.enc.Principal.IsAnyone() {
		return dst
	}
	is := x.sight.membership(e.Pos)
	if is == eventlog.None {
		is = eventlog.Leave
	}
	dst = append(dst, `,"membership":"`...)
	return append(append(dst, is.String()...), '"')
}

// appendReplaced writes which state event stood there before, and its content
// for those who may see it.
func (x *encoder) appendReplaced(dst []byte, prev *Event, at matrix.Position) []byte {
	dst = append(dst, `,"replaces_state":`...)
	dst = appendText(dst, string(prev.ID))
	if !x.sight.seesReplaced(prev, at) {
		return dst
	}
	dst = append(dst, `,"prev_content":`...)
	dst = append(dst, x.form(prev).pdu.Content...)
	dst = append(dst, `,"prev_sender":`...)
	return appendText(dst, string(prev.Sender))
}
