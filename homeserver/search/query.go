package search

import (
	"context"
	"net/http"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/search/index"
	"plenum/homeserver/search/words"
	"plenum/internal/filter"
	"plenum/internal/matrix"
	"plenum/rooms"
)

// Query is what somebody looks for.
type Query struct {
	Term    string // see words.Query
	Fields  Fields
	Filter  *filter.Events       // nil: everything
	Recent  bool                 // the newest first; else the best
	From    *Token               // nil: the first page
	Around  *AroundQuery         // what to tell beside each result; nil: nothing
	State   bool                 // tell the state of rooms
	Ignored func(id.UserID) bool // whose messages are left out; nil: nobody's
}

// Fields are the parts of events in which words are looked for.
type Fields struct{ Body, Name, Topic bool }

// AroundQuery says what is told beside a result.
type AroundQuery struct {
	Before, After int // how many events
	Profiles      bool
}

// Answer is a page of what was found.
type Answer struct {
	Count   int // on all pages
	Results []Result
	Words   []string // that were looked for, as they are written in the results
	Next    *Token   // the next page; nil: there is none
	State   map[id.RoomID]State
}

// Result is an event that was found.
type Result struct {
	Room   *rooms.Room
	Event  *rooms.Event
	Rank   float64 // how well it fits, up to 1
	Around *Around // nil: was not asked for
}

// State is the state of a room as somebody may see it.
type State struct {
	Room   *rooms.Room
	Events []*rooms.Event
}

// Search returns a page of what p may see and looks for.
//
// Spec: client-server-api#post_matrixclientv3search
func (s *Search) Search(ctx context.Context, p matrix.Principal, q Query) (_ Answer, err error) {
	defer matrix.Wrap(&err, "search")
	if s.opt.Off {
		return Answer{}, &matrix.Error{Code: matrix.Forbidden, Status: http.StatusBadRequest, Text: "This server does not search messages."}
	}
	query := words.ParseQuery(q.Term)
	if query.IsEmpty() {
		return Answer{}, nil
	}
	l := &look{s: s, ctx: ctx, who: p, q: q, words: query}
	l.ask = l.question()
	if err := l.collect(); err != nil {
		return Answer{}, err
	}
	return l.answer()
}

// look is a search that goes on.
type look struct {
	s     *Search
	ctx   context.Context
	who   matrix.Principal
	q     Query
	words words.Query
	ask   index.Question

	open map[id.RoomID]bool // rooms of which the user may see everything
	hits []hit              // that may be shown
}

// question is what the index is asked.
func (l *look) question() index.Question {
	ask := index.Question{Terms: l.words.Terms(), URL: l.q.Filter.URL()}
	ask.Fields[index.Body] = l.q.Fields.Body && l.q.Filter.HasType("m.room.message")
	ask.Fields[index.Name] = l.q.Fields.Name && l.q.Filter.HasType("m.room.name")
	ask.Fields[index.Topic] = l.q.Fields.Topic && l.q.Filter.HasType("m.room.topic")
	only := id.UserID("")
	if l.q.From != nil {
		only = l.q.From.Sender
	}
	if l.q.Ignored == nil && l.q.Filter.HasAllSenders() && only == "" {
		return ask
	}
	ask.Senders = func(user id.UserID) bool {
		return l.q.Filter.HasSender(user) && (l.q.Ignored == nil || !l.q.Ignored(user)) && (only == "" || only == user)
	}
	return ask
}
