// Package steps runs acceptance walks: rows of named steps against one server,
// told in the order in which a person would do them.
package steps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"maunium.net/go/mautrix"
)

// Run counts the steps of a run and tells each as it ends.
type Run struct {
	Out    io.Writer
	passed int
	failed []string
}

// errGivenUp ends a walk that cannot go on; the step that failed is told already.
var errGivenUp = errors.New("given up")

// Walk is one row of steps. Step returns an error for those that build on it.
type Walk struct {
	*Run
	name string
}

// Walk takes one walk to its end.
func (w *Run) Walk(ctx context.Context, name string, fn func(context.Context, *Walk) error) {
	started := time.Now()
	if err := fn(ctx, &Walk{w, name}); err != nil && !errors.Is(err, errGivenUp) {
		w.fail(name+": between steps", err)
	}
	fmt.Fprintf(w.Out, "# %s: %d ms\n", name, time.Since(started).Milliseconds())
}

func (w *Run) fail(name string, err error) {
	w.failed = append(w.failed, name)
	fmt.Fprintf(w.Out, "not ok  %s\n        %v\n", name, err)
}

// Summary prints the failures again and the counts as the last line, and says
// whether all is well.
func (w *Run) Summary() bool {
	if len(w.failed) > 0 {
		fmt.Fprintln(w.Out, "\nfailed:")
	}
	for _, name := range w.failed {
		fmt.Fprintf(w.Out, "  %s\n", name)
	}
	fmt.Fprintf(w.Out, "%d passed, %d failed\n", w.passed, len(w.failed))
	return len(w.failed) == 0 && w.passed > 0
}

// Step does one step. It may take half a minute, so that a server that hangs
// fails a step and not the run.
func (w *Walk) Step(ctx context.Context, name string, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	started := time.Now()
	name = w.name + ": " + name
	if err := fn(ctx); err != nil {
		w.fail(name, err)
		return errGivenUp
	}
	w.passed++
	fmt.Fprintf(w.Out, "ok      %s (%d ms)\n", name, time.Since(started).Milliseconds())
	return nil
}

// Refused asserts that a request was answered with that error.
func Refused(err error, want mautrix.RespError) error {
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

// Equal asserts that what was got is what was wanted.
func Equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}
