package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"
)

// Group is a set of parts. Its zero value has none. A Group can itself be a
// part of another.
type Group struct {
	// StopWithin is how long each part may take to stop; 0 means without
	// limit. A part that takes longer is left behind and reported, because a
	// process that cannot be stopped is worse than one that is cut off.
	StopWithin time.Duration

	Log *slog.Logger // nil: nothing is logged

	parts []*part
}

// part is one function of a group.
type part struct {
	name string
	run  func(context.Context) error
	stop context.CancelFunc
	done chan struct{} // closed when run has returned
	err  error         // what run returned, once done
}

// Add adds a part, which may use those added before it for as long as it
// runs. Its function should return nil or the context's error after the
// context has ended. If it returns nil before that, it has done its work and
// the others go on.
func (g *Group) Add(name string, run func(context.Context) error) {
	g.parts = append(g.parts, &part{name: name, run: run})
}

// Run runs the parts until ctx ends, one of them fails, or all are done, and
// returns when they have stopped. Its error names every part that failed or
// did not stop in time.
func (g *Group) Run(ctx context.Context) error {
	log := g.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	failed := make(chan struct{}, len(g.parts))
	for _, p := range g.parts {
		p.start(ctx, log, failed)
		log.Debug("started", "part", p.name)
	}
	all := make(chan struct{})
	go func() {
		defer close(all)
		for _, p := range g.parts {
			<-p.done
		}
	}()
	select {
	case <-ctx.Done():
	case <-failed:
	case <-all:
	}
	return g.stop(log)
}

// start runs p in a goroutine of its own. Its context keeps the values of ctx
// and ends in its turn.
func (p *part) start(ctx context.Context, log *slog.Logger, failed chan<- struct{}) {
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		p.err = p.guard(ctx)
		if p.err != nil {
			log.Error("failed", "part", p.name, "err", p.err)
			failed <- struct{}{}
		}
	}()
}

// guard runs p and turns its panic into an error: the other parts get to stop.
func (p *part) guard(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: panic: %v\n%s", p.name, v, debug.Stack())
		}
	}()
	err = p.run(ctx)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s: %w", p.name, err)
}

// stop stops the parts one after the other, the last first.
func (g *Group) stop(log *slog.Logger) error {
	var errs []error
	for _, p := range slices.Backward(g.parts) {
		p.stop()
		if err := g.await(p); err != nil {
			errs = append(errs, err)
			continue
		}
		log.Debug("stopped", "part", p.name)
	}
	return errors.Join(errs...)
}

// await waits for p to end and returns its error.
func (g *Group) await(p *part) error {
	var late <-chan time.Time
	if g.StopWithin > 0 {
		t := time.NewTimer(g.StopWithin)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-p.done:
		return p.err
	case <-late:
		return fmt.Errorf("%s: did not stop within %s", p.name, g.StopWithin)
	}
}
