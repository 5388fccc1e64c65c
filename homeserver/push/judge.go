package push

import (
	"context"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"plenum/internal/matrix"
	"plenum/rooms"
)

// Events whose verdicts, and rule sets that, are kept in memory.
const (
	verdictsCached = 20_000
	setsCached     = 4096
	setsOfEvent    = 64 // of one event; further sets judge it anew each time
)

// verdict is what a rule set makes of an event: the first step whose needs
// hold for a user says what is to be done for that user. None: nothing.
type verdict []step

type step struct {
	needs   []need
	outcome *outcome
}

// none is the outcome of no rule.
var none = &outcome{}

// of returns what is to be done for p.
func (v verdict) of(p *person) *outcome {
	for i := range v {
		if v[i].holds(p) {
			return v[i].outcome
		}
	}
	return none
}

func (s *step) holds(p *person) bool {
	for _, n := range s.needs {
		if !n(p) {
			return false
		}
	}
	return true
}

// judge finds what the rule set makes of the subject, down to what depends on
// the user alone.
func (s *set) judge(sub *subject) verdict {
	var v verdict
	for _, r := range s.rules {
		if r.quiet && sub.saysWhom() {
			continue
		}
		needs, possible := r.needs(sub)
		if !possible {
			continue
		}
		if len(needs) > 0 || r.outcome.Notify {
			v = append(v, step{needs, &r.outcome})
		}
		if len(needs) == 0 {
			break
		}
	}
	return v
}

// needs returns what must be so of a user for the rule to match.
func (c *compiled) needs(sub *subject) (needs []need, possible bool) {
	for _, cond := range c.conditions {
		switch a, n := cond(sub); a {
		case no:
			return nil, false
		case depends:
			needs = append(needs, n)
		}
	}
	return needs, true
}

// judgements are the verdicts of rule sets on events, so that each is found
// once.
type judgements struct {
	sets   *lru.Cache[setKey, *set]
	events *lru.Cache[matrix.Position, *judged]
}

// judged is an event and what rule sets made of it.
type judged struct {
	mu       sync.Mutex
	verdicts map[*set]verdict
}

func newJudgements() (*judgements, error) {
	sets, err := lru.New[setKey, *set](setsCached)
	if err != nil {
		return nil, err
	}
	events, err := lru.New[matrix.Position, *judged](verdictsCached)
	return &judgements{sets, events}, err
}

// share returns the set that stands for all equal to s.
func (j *judgements) share(s *set, key setKey) *set {
	if known, ok, _ := j.sets.PeekOrAdd(key, s); ok {
		return known
	}
	return s
}

// verdict returns what s makes of e.
func (j *judgements) verdict(ctx context.Context, s *set, rm *rooms.Room, e *rooms.Event) (verdict, error) {
	of, ok := j.events.Get(e.Pos)
	if !ok {
		of = &judged{verdicts: map[*set]verdict{}}
		if first, known, _ := j.events.PeekOrAdd(e.Pos, of); known {
			of = first
		}
	}
	of.mu.Lock()
	defer of.mu.Unlock()
	if v, ok := of.verdicts[s]; ok {
		return v, nil
	}
	sub := newSubject(ctx, rm, e)
	v := s.judge(sub)
	if sub.err == nil && len(of.verdicts) < setsOfEvent {
		of.verdicts[s] = v
	}
	return v, sub.err
}
