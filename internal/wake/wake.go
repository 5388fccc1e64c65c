// Package wake tells waiting goroutines that something may be new. A wake-up
// is a hint and carries nothing: the table is the truth, so whoever is woken
// reads from its cursor, and whoever misses a wake-up loses no data. Wake-ups
// to one subscriber merge, and nobody who tells ever waits.
package wake

import (
	"slices"
	"sync"
)

// Bus carries wake-ups from the writer of the log to those who follow it, by
// topic. It is safe for concurrent use.
type Bus struct {
	mu     sync.RWMutex
	topics map[string][]*Sub
}

// NewBus makes a bus without subscribers.
func NewBus() *Bus {
	return &Bus{topics: make(map[string][]*Sub)}
}

// Tell wakes every subscriber of topic. It never blocks, and costs one look-up
// when nobody listens.
func (b *Bus) Tell(topic string) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range b.topics[topic] {
		s.wake()
	}
}

// Subscribe listens to topics until the subscription is closed. Whatever is
// told after Subscribe returns is heard, so subscribe first and read after.
// One subscription to many topics is as cheap as to one: they share a channel.
func (b *Bus) Subscribe(topics ...string) *Sub {
	s := &Sub{bus: b, c: make(chan struct{}, 1)}
	s.Add(topics...)
	return s
}

// Sub is a subscription to one or more topics.
type Sub struct {
	bus    *Bus
	c      chan struct{}
	topics []string // guarded by bus.mu
	closed bool     // guarded by bus.mu
}

// C delivers one value when any topic was told since the last receive,
// however often it was told. It is never closed.
func (s *Sub) C() <-chan struct{} { return s.c }

// Add listens to further topics. Topics already listened to, and any topic
// after Close, are ignored.
func (s *Sub) Add(topics ...string) {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	if s.closed {
		return
	}
	for _, topic := range topics {
		subs := s.bus.topics[topic]
		if slices.Contains(subs, s) {
			continue
		}
		s.bus.topics[topic] = append(subs, s)
		s.topics = append(s.topics, topic)
	}
}

// Close ends the subscription. It may be called more than once.
func (s *Sub) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	for _, topic := range s.topics {
		s.bus.remove(topic, s)
	}
	s.topics, s.closed = nil, true
}

// wake leaves at most one wake-up in the channel.
func (s *Sub) wake() {
	select {
	case s.c <- struct{}{}:
	default:
	}
}

// remove takes s off topic; the caller holds mu.
func (b *Bus) remove(topic string, s *Sub) {
	subs := b.topics[topic]
	i := slices.Index(subs, s)
	if i < 0 {
		return
	}
	last := len(subs) - 1
	subs[i], subs[last] = subs[last], nil // order among subscribers means nothing
	if last == 0 {
		delete(b.topics, topic)
		return
	}
	b.topics[topic] = subs[:last]
}
