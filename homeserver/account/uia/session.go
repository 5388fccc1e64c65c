package uia

import (
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"time"
)

// session is one request on its way through the stages. What follows request
// is guarded by the lock of sessions.
type session struct {
	id      string
	begun   time.Time
	request Request

	completed []string
	proofs    map[string]string
}

// sessions holds the sessions that have begun, the oldest of which make place
// for new ones. People who are signed in have a table of their own, so that
// nobody else can push them out.
type sessions struct {
	life time.Duration

	mu        sync.Mutex
	known     table
	anonymous table
}

// table holds sessions of one kind, in the order in which they began.
type table struct {
	max   int
	byID  map[string]*session
	queue []*session // holds sessions that are no longer in byID, too
}

func newSessions(limit int, life time.Duration) *sessions {
	return &sessions{
		life:      life,
		known:     table{max: limit, byID: map[string]*session{}},
		anonymous: table{max: limit, byID: map[string]*session{}},
	}
}

// of returns the table for a request.
func (t *sessions) of(r Request) *table {
	if r.User == "" {
		return &t.anonymous
	}
	return &t.known
}

// begin begins a session for r.
func (t *sessions) begin(r Request, now time.Time) *session {
	s := &session{id: rand.Text(), begun: now, request: r, proofs: map[string]string{}}
	t.mu.Lock()
	defer t.mu.Unlock()
	table := t.of(r)
	table.expire(now.Add(-t.life))
	table.byID[s.id] = s
	table.queue = append(table.queue, s)
	return s
}

// expire removes the sessions that began before, and the oldest one if there
// is no place for another.
func (t *table) expire(before time.Time) {
	for len(t.queue) > 0 {
		s := t.queue[0]
		_, there := t.byID[s.id]
		if there && len(t.byID) < t.max && len(t.queue) < 2*t.max && s.begun.After(before) {
			return
		}
		delete(t.byID, s.id)
		t.queue[0] = nil
		t.queue = t.queue[1:]
	}
}

// find returns the session with an id, or nil.
func (t *sessions) find(id string, now time.Time) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.known.byID[id]
	if s == nil {
		s = t.anonymous.byID[id]
	}
	if s == nil || now.Sub(s.begun) >= t.life {
		return nil
	}
	return s
}

func (t *sessions) remove(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of(s.request).byID, s.id)
}

func (t *sessions) completed(s *session) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(s.completed)
}

// complete records a stage of s, unless another request was faster.
func (t *sessions) complete(s *session, before []string, stage, proof string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Equal(s.completed, before) {
		s.completed = append(s.completed, stage)
		s.proofs[stage] = proof
	}
}

// undo takes back a stage of s, and those that came after it.
func (t *sessions) undo(s *session, stage string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(s.completed, stage); i >= 0 {
		s.completed = s.completed[:i]
	}
}

// granted returns the proofs of s if a flow is complete.
func (t *sessions) granted(s *session) (map[string]string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	done := slices.ContainsFunc(s.request.Flows, func(f Flow) bool { return slices.Equal(f, s.completed) })
	if !done {
		return nil, false
	}
	return maps.Clone(s.proofs), true
}
