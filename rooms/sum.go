package rooms

import (
	"strconv"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// sum is what is bundled with an event about those that relate to it.
//
// Spec: client-server-api#aggregations-of-child-events
type sum struct {
	edit       *Event // the newest valid replacement; nil: none
	reply      *Event // the newest in its thread; nil: it is no thread's root
	replies    int
	took       bool // whether who asks took part in the thread
	references []id.EventID

	edits    []child // candidates, the best first
	newReply matrix.Position
}

// events are those that are written inside the sum.
func (s *sum) events() []*Event {
	var out []*Event
	for _, e := range []*Event{s.edit, s.reply} {
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}

func (s *sum) isEmpty() bool {
	return s.edit == nil && s.reply == nil && len(s.references) == 0
}

// sumUp makes the sums of evs, and those of the replies that are shown in them.
func (x *encoder) sumUp(evs []*Event) error {
	replies, err := x.sumsOf(evs)
	if err != nil || len(replies) == 0 {
		return err
	}
	// A reply is no root, so this ends here.
	_, err = x.sumsOf(replies)
	return err
}

// sumsOf makes the sums of parents and returns the replies that stand in them.
func (x *encoder) sumsOf(parents []*Event) ([]*Event, error) {
	ids := make([]id.EventID, 0, len(parents))
	for _, e := range parents {
		if !e.IsState() { // state events have no sums, says the specification
			ids = append(ids, e.ID)
		}
	}
	kids, err := x.r.children.of(x.ctx, x.rm, ids)
	if err != nil || len(kids) == 0 {
		return nil, err
	}
	if err := x.sight.prepare(x.ctx, minPos); err != nil {
		return nil, err
	}
	var want []matrix.Position
	made := map[*Event]*sum{}
	for _, e := range parents {
		if list := kids[e.ID]; len(list) > 0 && !e.IsState() {
			s := x.count(e, list)
			made[e] = s
			if s.newReply != 0 {
				want = append(want, s.newReply)
			}
			if len(s.edits) > 0 {
				want = append(want, s.edits[0].pos)
			}
		}
	}
	return x.fill(made, want)
}

// fill loads the events that are shown in sums, and keeps the sums that say something.
func (x *encoder) fill(made map[*Event]*sum, want []matrix.Position) ([]*Event, error) {
	evs, err := x.r.Events(x.ctx, want)
	if err != nil {
		return nil, err
	}
	var replies []*Event
	for e, s := range made {
		if s.reply = evs[s.newReply]; s.reply != nil {
			replies = append(replies, s.reply)
		}
		if s.edit, err = x.r.newestEdit(x.ctx, e, s.edits, evs); err != nil {
			return nil, err
		}
		if s.isEmpty() {
			continue
		}
		if x.sums == nil {
			x.sums = map[id.EventID]*sum{}
		}
		x.sums[e.ID] = s
	}
	return replies, nil
}

// count sums up what can be told from the relations alone. Children that who
// asks cannot see, or ignores, are not there for them.
func (x *encoder) count(e *Event, kids []child) *sum {
	s := &sum{took: e.Sender == x.enc.Principal.User}
	for _, k := range kids {
		if !x.shows(k) {
			continue
		}
		switch k.rel {
		case "m.thread":
			s.replies++
			s.newReply = k.pos
			s.took = s.took || k.sender == x.enc.Principal.User
		case "m.reference":
			s.references = append(s.references, k.id)
		case "m.replace":
			if canReplace(e, k) {
				s.edits = append(s.edits, k)
			}
		}
	}
	bestFirst(s.edits)
	return s
}

func (x *encoder) shows(k child) bool {
	if x.enc.Ignored != nil && x.enc.Ignored(k.sender) {
		return false
	}
	return x.sight.isWhole() || x.sight.allows(k.pos, x.sight.seen.at(k.pos), x.sight.membership(k.pos))
}

// appendSum writes s into the unsigned part of its event.
func (x *encoder) appendSum(dst []byte, s *sum, depth int) []byte {
	dst = append(dst, `,"m.relations":{`...)
	start := len(dst)
	next := func(rel string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), rel...), `":`...)
	}
	if s.edit != nil {
		next("m.replace")
		dst = x.appendWhole(dst, s.edit, 2)
	}
	if s.reply != nil {
		next("m.thread")
		dst = append(dst, `{"count":`...)
		dst = strconv.AppendInt(dst, int64(s.replies), 10)
		dst = append(dst, `,"current_user_participated":`...)
		dst = strconv.AppendBool(dst, s.took)
		dst = append(dst, `,"latest_event":`...)
		dst = append(x.appendWhole(dst, s.reply, depth+1), '}')
	}
	if len(s.references) > 0 {
		next("m.reference")
		dst = append(dst, `{"chunk":[`...)
		for i, ref := range s.references {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, `{"event_id":`...)
			dst = append(appendText(dst, string(ref)), '}')
		}
		dst = append(dst, `]}`...)
	}
	return append(dst, '}')
}
