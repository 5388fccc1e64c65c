package push

import (
	"encoding/json"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	store "plenum/storage/userdata"
)

// maxHits is how many unread events of one room are counted; with more than
// this, the oldest are left out.
const maxHits = 1000

// Count is what is unread of one timeline.
type Count struct{ Notifications, Highlights int }

// Counts is what is unread of a room: of its main timeline, and of each
// thread with something unread. It is immutable.
//
// Spec: client-server-api#receiving-notifications
type Counts struct {
	Count                        // of the main timeline
	Threads map[id.EventID]Count // by root
}

// Total returns what is unread of the room as a whole.
func (c Counts) Total() Count {
	sum := c.Count
	for _, t := range c.Threads {
		sum.Notifications += t.Notifications
		sum.Highlights += t.Highlights
	}
	return sum
}

// tally is what one user has not read in one room.
type tally struct {
	upto   matrix.Position // events after this were not looked at
	looked matrix.Position // receipts after this were not looked at
	hits   []hit           // events that notify and are unread, in order
	out    bool            // the user is not in the room at upto
	name   *string         // of the user in the room at upto, as a person has it
	stale  bool            // counts is not of hits
	counts Counts
	unsaid int // events since the tally was written to the database
}

// hit is an event that notifies.
type hit struct {
	pos       matrix.Position
	thread    id.EventID // store.Main, or the root of a thread
	highlight bool
}

func (t *tally) add(h hit) {
	t.hits, t.stale = append(t.hits, h), true
	if len(t.hits) > 2*maxHits {
		t.hits = slices.Clone(t.hits[maxHits:])
	}
}

// read drops what is read.
func (t *tally) read(reads *store.Reads) {
	if reads != nil {
		t.drop(func(h hit) bool { return h.pos <= reads.Of(h.thread) })
	}
}

// drop drops the hits for which which is true.
func (t *tally) drop(which func(hit) bool) {
	before := len(t.hits)
	t.hits = slices.DeleteFunc(t.hits, which)
	t.stale = t.stale || len(t.hits) < before
}

// sum works out the counts.
func (t *tally) sum() {
	if !t.stale {
		return
	}
	var c Counts
	for _, h := range t.hits[max(0, len(t.hits)-maxHits):] {
		count := c.Count
		if h.thread != store.Main {
			count = c.Threads[h.thread]
		}
		count.Notifications++
		if h.highlight {
			count.Highlights++
		}
		if h.thread == store.Main {
			c.Count = count
			continue
		}
		if c.Threads == nil {
			c.Threads = map[id.EventID]Count{}
		}
		c.Threads[h.thread] = count
	}
	t.counts, t.stale = c, false
}

// savedHits are the hits of one thread as they are stored.
type savedHits struct {
	Notify    []matrix.Position `json:"n,omitempty"`
	Highlight []matrix.Position `json:"h,omitempty"`
}

// save returns the hits as they are stored.
func (t *tally) save() (json.RawMessage, error) {
	threads := map[id.EventID]*savedHits{}
	for _, h := range t.hits {
		in := threads[h.thread]
		if in == nil {
			in = &savedHits{}
			threads[h.thread] = in
		}
		if h.highlight {
			in.Highlight = append(in.Highlight, h.pos)
		} else {
			in.Notify = append(in.Notify, h.pos)
		}
	}
	return json.Marshal(threads)
}

// restore is the inverse of save.
func restore(u store.Unread) (*tally, error) {
	var threads map[id.EventID]savedHits
	if err := json.Unmarshal(u.Hits, &threads); err != nil {
		return nil, err
	}
	t := &tally{upto: u.Upto, stale: true}
	for thread, in := range threads {
		for _, pos := range in.Notify {
			t.hits = append(t.hits, hit{pos, thread, false})
		}
		for _, pos := range in.Highlight {
			t.hits = append(t.hits, hit{pos, thread, true})
		}
	}
	slices.SortFunc(t.hits, func(a, b hit) int { return int(a.pos - b.pos) })
	return t, nil
}
