package peers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"plenum/internal/matrix"
)

var (
	// ErrDenied is in the chain of errors about servers that we do not speak to.
	ErrDenied = errors.New("this server does not speak to that one")
	// ErrBackoff is in the chain of errors about servers that did not answer
	// before and are left alone for a while. See BackoffError.
	ErrBackoff = errors.New("left alone for a while")
	// ErrAnswer is in the chain of errors about answers that are not what the
	// specification says.
	ErrAnswer = errors.New("the answer makes no sense")
)

// Error is a refusal of another server.
type Error struct {
	Server     string
	Status     int         // of HTTP
	Code       matrix.Code // "" when the answer was not one of Matrix
	Text       string
	RetryAfter time.Duration // 0: it does not say
}

// Error names the server and what it said.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s answered with status %d", e.Server, e.Status)
	}
	return fmt.Sprintf("%s answered with status %d, %s: %s", e.Server, e.Status, e.Code, e.Text)
}

// IsCode reports whether err says that another server refused with code.
func IsCode(err error, code matrix.Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// isUnserved reports whether err says that the other server does not know the
// endpoint.
func isUnserved(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code == matrix.Unrecognized || e.Code == "" && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed)
}

// BackoffError says until when a server is left alone.
type BackoffError struct {
	Server string
	Until  time.Time
}

// Error names the server.
func (e *BackoffError) Error() string {
	return fmt.Sprintf("%s did not answer before and is left alone until %s", e.Server, e.Until.UTC().Format(time.DateTime))
}

// Unwrap returns ErrBackoff.
func (e *BackoffError) Unwrap() error { return ErrBackoff }

// passed on to clients are refusals that say something about what the client
// wants. Others, such as M_UNKNOWN_TOKEN, would be taken as ours.
var passed = []matrix.Code{
	matrix.Forbidden, matrix.NotFound, matrix.IncompatibleRoomVersion, matrix.UnsupportedRoomVersion, matrix.UnableToAuthoriseJoin,
	matrix.UnableToGrantJoin, matrix.BadState, matrix.InvalidParam, matrix.InviteBlocked, matrix.TooLarge, matrix.NotYetUploaded,
	matrix.ResourceLimitExceeded,
}

// Refusal turns what another server has decided, or we about it, into an error
// for the client that caused the call. Other errors stay as they are: those of
// servers that were not reached, or do not answer as they should.
func Refusal(err error) error {
	var own *matrix.Error
	var theirs *Error
	switch {
	case err == nil || errors.As(err, &own):
		return err
	case errors.Is(err, ErrDenied):
		return &matrix.Error{Code: matrix.Forbidden, Text: "This server does not speak to that one.", Err: err}
	case !errors.As(err, &theirs):
		return err
	case theirs.Code == matrix.LimitExceeded:
		return &matrix.Error{Code: matrix.LimitExceeded, Text: theirs.Server + " is asked too often. Try again later.", RetryAfter: theirs.RetryAfter, Err: err}
	case slices.Contains(passed, theirs.Code):
		return &matrix.Error{Code: theirs.Code, Text: theirs.Server + " says: " + theirs.Text, Err: err}
	}
	return err
}

// NotFound is Refusal for a client that asks for something of another server:
// what cannot be had does not exist for it, whatever the reason.
func NotFound(err error) error {
	var own *matrix.Error
	if err = Refusal(err); err == nil || errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	return &matrix.Error{Code: matrix.NotFound, Text: "The other server cannot be reached, or does not have it.", Err: err}
}
