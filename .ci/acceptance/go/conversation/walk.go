package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"maunium.net/go/mautrix"
)

// walks counts the steps of a run and tells each as it ends.
type walks struct {
	out    io.Writer
	passed int
	failed []string
}

// errGivenUp ends a walk whose must failed; the step itself is told already.
var errGivenUp = errors.New("given up")

// walk is one row of steps; those that build on an earlier one rely on must.
type walk struct {
	*walks
	name string
}

// run takes one walk to its end.
func (w *walks) run(ctx context.Context, name string, fn func(context.Context, *walk) error) {
	started := time.Now()
	if err := fn(ctx, &walk{w, name}); err != nil && !errors.Is(err, errGivenUp) {
		w.fail(name+": between steps", err)
	}
	fmt.Fprintf(w.out, "# %s: %d ms\n", name, time.Since(started).Milliseconds())
}

func (w *walks) fail(name string, err error) {
	w.failed = append(w.failed, name)
	fmt.Fprintf(w.out, "not ok  %s\n        %v\n", name, err)
}

// summary prints the failures again and the counts as the last line, and says
// whether all is well.
func (w *walks) summary() bool {
	if len(w.failed) > 0 {
		fmt.Fprintln(w.out, "\nfailed:")
	}
	for _, name := range w.failed {
		fmt.Fprintf(w.out, "  %s\n", name)
	}
	fmt.Fprintf(w.out, "%d passed, %d failed\n", w.passed, len(w.failed))
	return len(w.failed) == 0 && w.passed > 0
}

// step does one step. It may take half a minute, so that a server that hangs
// fails a step and not the run.
func (w *walk) step(ctx context.Context, name string, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	started := time.Now()
	name = w.name + ": " + name
	if err := fn(ctx); err != nil {
		w.fail(name, err)
		return errGivenUp
	}
	w.passed++
	fmt.Fprintf(w.out, "ok      %s (%d ms)\n", name, time.Since(started).Milliseconds())
	return nil
}

// refused asserts that a request was answered with that error.
func refused(err error, want mautrix.RespError) error {
	if err == nil {
		return fmt.Errorf("allowed, want %s", want.ErrCode)
	}
	if !errors.Is(err, want) {
		return fmt.Errorf("refused, but not with %s: %w", want.ErrCode, err)
	}
	var http mautrix.HTTPError
	if errors.As(err, &http) && !http.IsStatus(want.StatusCode) {
		return fmt.Errorf("refused with %s, but not with status %d: %w", want.ErrCode, want.StatusCode, err)
	}
	return nil
}

// equal asserts that what was got is what was wanted.
func equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}
