package delayed

import (
	"cmp"
	"container/heap"
	"time"

	"maunium.net/go/mautrix/id"

	store "plenum/storage/delayed"
)

// timer is when a scheduled event is due. Times are in milliseconds.
type timer struct {
	store.Timer       // Scheduled and Due as they really are
	onDisk      int64 // the disk says that it is due then: never sooner than Due
	place       int   // in the schedule; -1: it is being sent
	tries       int   // to send it, that failed for no fault of its sender
	full        int64 // when its allowance of restarts is full again
}

// schedule is the timers that run, the next one first. It is a heap.
type schedule []*timer

func (s schedule) Len() int { return len(s) }

func (s schedule) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(s[i].Due, s[j].Due), cmp.Compare(s[i].Scheduled, s[j].Scheduled), cmp.Compare(s[i].ID, s[j].ID)) < 0
}

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

// Push implements heap.Interface.
func (s *schedule) Push(x any) {
	t, ok := x.(*timer)
	if ok {
		t.place = len(*s)
		*s = append(*s, t)
	}
}

// Pop implements heap.Interface.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	t := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	t.place = -1
	return t
}

// put begins a timer as the disk says it.
func (e *Events) put(t store.Timer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	onDisk := t.Due
	t.Scheduled = t.Due - t.Delay // what was put off since is forgotten
	one := &timer{Timer: t, onDisk: onDisk}
	e.timers[t.ID] = one
	heap.Push(&e.order, one)
	e.hurry(one)
}

// drop ends a timer. What is being sent may end so, too.
func (e *Events) drop(delayID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.remove(e.timers[delayID])
}

func (e *Events) dropUser(user id.UserID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.timers {
		if t.User == user {
			e.remove(t)
		}
	}
}

// remove is drop for who holds mu.
func (e *Events) remove(t *timer) {
	if t == nil {
		return
	}
	delete(e.timers, t.ID)
	if t.place >= 0 {
		heap.Remove(&e.order, t.place)
	}
}

// move sets when a timer is due. The caller holds mu.
func (e *Events) move(t *timer, due int64) {
	t.Due = due
	if t.place < 0 {
		heap.Push(&e.order, t)
	} else {
		heap.Fix(&e.order, t.place)
	}
	e.hurry(t)
}

// hurry wakes Run if t is due next. The caller holds mu.
func (e *Events) hurry(t *timer) {
	if t.place != 0 {
		return
	}
	select {
	case e.sooner <- struct{}{}:
	default:
	}
}

// due takes out what is due, in order, and returns how long it is until
// something else is.
func (e *Events) due() (now []*timer, wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.nowMS()
	for len(e.order) > 0 {
		if next := e.order[0]; next.Due > at {
			return now, time.Duration(next.Due-at) * time.Millisecond
		}
		if t, ok := heap.Pop(&e.order).(*timer); ok {
			now = append(now, t)
		}
	}
	return now, time.Hour
}

// times returns when a scheduled event began to wait and when it is due.
func (e *Events) times(delayID string) (scheduled, due int64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.timers[delayID]
	if t == nil {
		return 0, 0, false
	}
	return t.Scheduled, t.Due, true
}
