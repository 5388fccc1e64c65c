package sliding

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/userdata"
	"plenum/internal/matrix"
)

// Request is what a client asks for, in either form.
type Request struct {
	Form        Form
	Conn        string        // which of the connections of the device
	Pos         string        // of the answer before; empty: begin anew
	Timeout     time.Duration // how long to wait for news
	SetPresence string
	Lists       map[string]List
	Rooms       map[id.RoomID]Wish // that the client wants to be told of whatever lists they are in
	Extensions  Extensions
}

// List is a part of the user's rooms, by activity.
type List struct {
	Wish
	Ranges  []Range // nil: all that pass the filters
	Filters Filters
}

// Range is a part of a list, both ends included. The first room is 0.
type Range struct{ First, Last int }

// Filters say which rooms belong to a list: those that meet every one that is
// set.
type Filters struct {
	IsDM        *bool
	IsEncrypted *bool
	IsInvited   *bool
	Types       []string // of rooms, "" for rooms without one; nil: any
	NotTypes    []string
	Tags        []string // nil: any
	NotTags     []string
	Spaces      []id.RoomID // nil: any
}

// Wish is what a client wants to be told of a room.
type Wish struct {
	Timeline int // how many events at most
	State    State
}

// State is which entries of a room's state a client wants.
type State struct {
	Include, Exclude []Entry
	LazyMembers      bool // of all members only those who are needed
}

// Entry stands for entries of a room's state: of one type or any, and with one
// state key or any.
type Entry struct{ Type, Key *string }

// Extensions is what a client wants to be told beside rooms. What is nil or
// false it does not.
type Extensions struct {
	ToDevice    *ToDevice
	E2EE        bool
	AccountData *Scope
	Receipts    *Scope
	Typing      *Scope
	// TypingName is under which name it asked about typing.
	TypingName string
	Threads    *Threads
	Sticky     *StickyEvents
}

// ToDevice asks for messages from device to device.
type ToDevice struct {
	Limit int
	Since string // next_batch of an earlier answer, on whatever connection
}

// Scope says about which rooms an extension tells: those that are in one of
// the lists, and of the subscribed ones those in Rooms. nil, and Any among
// them, stands for all.
type Scope struct {
	Lists []string
	Rooms []string
}

// Any stands for every list or every subscription.
const Any = "*"

const (
	// maxLists is how many lists a request has at most, and maxRooms how many
	// subscriptions. Before there was a rule, clients had more of these.
	maxLists         = 100
	maxRooms         = 100
	maxRoomsUnstable = 1000
	// maxRanges bounds what is looked at for every room.
	maxRanges = 100
	// maxWishes bounds, in bytes as wanted counts them, what state all the
	// wishes of a request are for.
	maxWishes = 32 << 10
	// maxName bounds the names that clients give to connections and lists.
	maxName = 255
	// timelineMost is how many events of a room a client gets at most.
	timelineMost = 100
)

// check refuses what a client must not ask for.
func (q *Request) check() error {
	rooms := maxRooms
	if q.Form == Unstable {
		rooms = maxRoomsUnstable
	}
	switch q.SetPresence {
	case "", userdata.Online, userdata.Unavailable, userdata.Offline:
	default:
		return invalid("There is no presence %q.", q.SetPresence)
	}
	switch {
	case len(q.Conn) > maxName:
		return invalid("The name of a connection may have at most %d bytes.", maxName)
	case len(q.Lists) > maxLists:
		return invalid("A request may have at most %d lists.", maxLists)
	case len(q.Rooms) > rooms:
		return invalid("A request may have at most %d room subscriptions.", rooms)
	}
	for name, l := range q.Lists {
		if name == "" || len(name) > maxName {
			return invalid("The name of a list must have 1 to %d bytes.", maxName)
		}
		if err := l.check(); err != nil {
			return err
		}
	}
	for _, w := range q.Rooms {
		if err := w.check(); err != nil {
			return err
		}
	}
	if d := q.Extensions.ToDevice; d != nil && d.Limit < 0 {
		return invalid("The limit of to_device must not be negative.")
	}
	if d := q.Extensions.Threads; d != nil && d.Limit < 0 {
		return invalid("The limit of thread_subscriptions must not be negative.")
	}
	if d := q.Extensions.Sticky; d != nil && d.Limit < 0 {
		return invalid("The limit of sticky_events must not be negative.")
	}
	return nil
}

func (l *List) check() error {
	if len(l.Ranges) > maxRanges {
		return invalid("A list may have at most %d ranges.", maxRanges)
	}
	for _, r := range l.Ranges {
		if r.First < 0 || r.Last < r.First {
			return invalid("[%d,%d] is not a range of rooms.", r.First, r.Last)
		}
	}
	return l.Wish.check()
}

func (w *Wish) check() error {
	if w.Timeline < 0 {
		return invalid("timeline_limit must not be negative.")
	}
	return nil
}

// digest tells requests apart.
type digest [sha256.Size]byte

// digest returns the digest of what is asked, however long the client is ready
// to wait for it.
func (q *Request) digest() digest {
	same := *q
	same.Pos, same.Timeout, same.SetPresence = "", 0, ""
	text, err := json.Marshal(same)
	if err != nil { // it is plain data
		return digest{}
	}
	return sha256.Sum256(text)
}

func invalid(format string, args ...any) error {
	return matrix.Errorf(matrix.InvalidParam, format, args...)
}
