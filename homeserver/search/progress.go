package search

import (
	"context"
	"sync"

	"plenum/internal/matrix"
)

// farBehind is by how many positions the index is so late that nobody waits
// for it: it is being built.
const farBehind = 20_000

// progress is up to where the index knows what was said.
type progress struct {
	mu   sync.Mutex
	pos  matrix.Position
	news chan struct{} // closed when it moves
}

func newProgress() progress { return progress{news: make(chan struct{})} }

func (p *progress) set(pos matrix.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pos = pos
	close(p.news)
	p.news = make(chan struct{})
}

func (p *progress) at() (matrix.Position, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pos, p.news
}

// reach returns when everything up to pos is known.
func (p *progress) reach(ctx context.Context, pos matrix.Position) error {
	for {
		at, news := p.at()
		if at >= pos {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// await returns when everything up to pos is known, or when that takes too
// long.
func (p *progress) await(ctx context.Context, pos matrix.Position) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		at, news := p.at()
		if at >= pos || pos-at > farBehind {
			return
		}
		select {
		case <-news:
		case <-ctx.Done():
			return
		}
	}
}
