// Package wake tells waiting goroutines that something may be new. A wake-up
// is a hint and carries nothing: the table is the truth, so whoever is woken
// reads from its cursor, and whoever misses a wake-up loses no data. Wake-ups
// to one subscriber merge, and nobody who tells ever waits.
package wake

import "sync"

// Bus carries wake-ups from the writer of the log to those who follow it, by
// topic. It is safe for concurrent use.
type Bus struct {
	mu     sync.RWMutex
	topics map[string]*link // the first of each topic's list
}

// link is the membership of a subscription in the list of a topic. A list
// linked through its members takes up and loses one in the same time however
// long it is, without memory of its own: a sync waits for hundreds of rooms,
// each with thousands who wait, and both come and go with every message.
type link struct {
	sub        *Sub
	topic      string
	prev, next *link
}

// NewBus makes a bus without subscribers.
func NewBus() *Bus {
	return &Bus{topics: make(map[string]*link)}
}

// Anything is the topic of those who want to hear of every topic.
const Anything = "*"

// Tell wakes every subscriber of topic. It never blocks, and costs two
// look-ups when nobody listens.
func (b *Bus) Tell(topic string) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for l := b.topics[topic]; l != nil; l = l.next {
		l.sub.wake()
	}
	for l := b.topics[Anything]; l != nil; l = l.next {
		l.sub.wake()
	}
}

// Subscribe listens to topics until the subscription is closed. Whatever is
// told after Subscribe returns is heard, so subscribe first and read after.
// One subscription to many topics is as cheap as to one: they share a channel.
func (b *Bus) Subscribe(topics ...string) *Sub {
	s := &Sub{bus: b, c: make(chan struct{}, 1), links: make([]link, len(topics))}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, topic := range topics {
		l := &s.links[i]
		l.sub, l.topic = s, topic
		b.add(l)
	}
	return s
}

// add puts l at the head of its topic's list; the caller holds mu.
func (b *Bus) add(l *link) {
	if l.next = b.topics[l.topic]; l.next != nil {
		l.next.prev = l
	}
	b.topics[l.topic] = l
}

// remove takes l out of its topic's list; the caller holds mu.
func (b *Bus) remove(l *link) {
	if l.next != nil {
		l.next.prev = l.prev
	}
	switch {
	case l.prev != nil:
		l.prev.next = l.next
	case l.next != nil:
		b.topics[l.topic] = l.next
	default:
		delete(b.topics, l.topic)
	}
}

// Sub is a subscription to one or more topics.
type Sub struct {
	bus   *Bus
	c     chan struct{}
	links []link // guarded by bus.mu
}

// C delivers one value when any topic was told since the last receive,
// however often it was told. It is never closed.
func (s *Sub) C() <-chan struct{} { return s.c }

// Close ends the subscription. It may be called more than once.
func (s *Sub) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	for i := range s.links {
		s.bus.remove(&s.links[i])
	}
	s.links = nil
}

// wake leaves at most one wake-up in the channel.
func (s *Sub) wake() {
	select {
	case s.c <- struct{}{}:
	default:
	}
}
