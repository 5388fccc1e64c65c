package run_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plenum/internal/run"
)

// diary records what parts do, in order.
type diary struct {
	mu      sync.Mutex
	entries []string
}

func (d *diary) write(entry string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, entry)
}

func (d *diary) want(t *testing.T, entries ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.entries, entries) {
		t.Errorf("happened: %v, want %v", d.entries, entries)
	}
}

// server is a part that takes a second to stop.
func (d *diary) server(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(time.Second)
		d.write(name + " stopped")
		return ctx.Err()
	}
}

func TestStopsInReverseOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var d diary
		var g run.Group
		g.Add("storage", d.server("storage"))
		g.Add("sender", d.server("sender"))
		g.Add("listener", d.server("listener"))
		time.AfterFunc(time.Minute, cancel)
		if err := g.Run(ctx); err != nil {
			t.Errorf("stopped as asked, but: %v", err)
		}
		d.want(t, "listener stopped", "sender stopped", "storage stopped")
	})
}

func TestFirstFailureStopsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		var g run.Group
		broken := errors.New("disk full")
		g.Add("storage", d.server("storage"))
		g.Add("sender", func(context.Context) error { time.Sleep(time.Second); return broken })
		g.Add("listener", d.server("listener"))
		err := g.Run(t.Context())
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "sender: disk full") {
			t.Errorf("error %v, want that of the sender by name", err)
		}
		d.want(t, "listener stopped", "storage stopped")
	})
}

func TestPanicStopsAllAndIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		var g run.Group
		g.Add("storage", d.server("storage"))
		g.Add("sender", func(context.Context) error { panic("no such room") })
		err := g.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "sender: panic: no such room") || !strings.Contains(err.Error(), "run_test.go") {
			t.Errorf("error %v, want the panic and where it was", err)
		}
		d.want(t, "storage stopped")
	})
}

func TestWhoDoesNotStopIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var d diary
		never := make(chan struct{})
		g := run.Group{StopWithin: 10 * time.Second}
		g.Add("storage", d.server("storage"))
		g.Add("stuck", func(context.Context) error { <-never; return nil })
		cancel()
		start := time.Now()
		err := g.Run(ctx)
		if err == nil || !strings.Contains(err.Error(), "stuck: did not stop within 10s") {
			t.Errorf("error %v, want the stuck part by name", err)
		}
		if took := time.Since(start); took != 11*time.Second {
			t.Errorf("stopping took %s, want 10 s for the stuck part and 1 for the other", took)
		}
		d.want(t, "storage stopped") // it had its turn all the same
		close(never)
	})
}

func TestWorkThatIsDoneStopsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		var d diary
		var g run.Group
		g.Add("migration", func(context.Context) error { return nil })
		g.Add("listener", d.server("listener"))
		if err := g.Run(ctx); err != nil || time.Since(start) < time.Hour {
			t.Errorf("ended after %s with %v, want an hour of running", time.Since(start), err)
		}
		var alone run.Group
		alone.Add("migration", func(context.Context) error { return nil })
		if err := alone.Run(t.Context()); err != nil {
			t.Errorf("all done, but: %v", err)
		}
	})
}

// A part sees the values of the group's context, but ends in its own turn.
func TestContextOfParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		var d diary
		var g run.Group
		g.Add("storage", func(ctx context.Context) error {
			if ctx.Value(key{}) != "value" {
				t.Error("the value of the context is lost")
			}
			<-ctx.Done()
			d.write("storage told to stop")
			return nil
		})
		g.Add("listener", d.server("listener"))
		cancel()
		if err := g.Run(ctx); err != nil {
			t.Error(err)
		}
		d.want(t, "listener stopped", "storage told to stop")
	})
}

func TestGroupsNest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inner, outer run.Group
		inner.Add("sender", func(context.Context) error { return errors.New("no route") })
		outer.Add("federation", inner.Run)
		if err := outer.Run(t.Context()); err == nil || err.Error() != "federation: sender: no route" {
			t.Errorf("error %v, want the way to the part", err)
		}
	})
}
