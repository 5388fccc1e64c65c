package matrix

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Code is an error code of the Matrix specification, such as M_FORBIDDEN.
//
// Spec: client-server-api#standard-error-response
type Code string

// Error codes that Plenum answers with.
const (
	Forbidden                  Code = "M_FORBIDDEN"
	UnknownToken               Code = "M_UNKNOWN_TOKEN"
	MissingToken               Code = "M_MISSING_TOKEN"
	UserLocked                 Code = "M_USER_LOCKED"
	UserSuspended              Code = "M_USER_SUSPENDED"
	UserDeactivated            Code = "M_USER_DEACTIVATED"
	BadJSON                    Code = "M_BAD_JSON"
	NotJSON                    Code = "M_NOT_JSON"
	NotFound                   Code = "M_NOT_FOUND"
	LimitExceeded              Code = "M_LIMIT_EXCEEDED"
	UserLimitExceeded          Code = "M_USER_LIMIT_EXCEEDED"
	Unrecognized               Code = "M_UNRECOGNIZED"
	Unknown                    Code = "M_UNKNOWN"
	Unauthorized               Code = "M_UNAUTHORIZED"
	UserInUse                  Code = "M_USER_IN_USE"
	InvalidUsername            Code = "M_INVALID_USERNAME"
	RoomInUse                  Code = "M_ROOM_IN_USE"
	InvalidRoomState           Code = "M_INVALID_ROOM_STATE"
	ThreePIDNotFound           Code = "M_THREEPID_NOT_FOUND"
	ThreePIDDenied             Code = "M_THREEPID_DENIED"
	ThreePIDMediumNotSupported Code = "M_THREEPID_MEDIUM_NOT_SUPPORTED"
	UnsupportedRoomVersion     Code = "M_UNSUPPORTED_ROOM_VERSION"
	IncompatibleRoomVersion    Code = "M_INCOMPATIBLE_ROOM_VERSION"
	BadState                   Code = "M_BAD_STATE"
	GuestAccessForbidden       Code = "M_GUEST_ACCESS_FORBIDDEN"
	CaptchaNeeded              Code = "M_CAPTCHA_NEEDED"
	MissingParam               Code = "M_MISSING_PARAM"
	InvalidParam               Code = "M_INVALID_PARAM"
	TooLarge                   Code = "M_TOO_LARGE"
	Exclusive                  Code = "M_EXCLUSIVE"
	ResourceLimitExceeded      Code = "M_RESOURCE_LIMIT_EXCEEDED"
	CannotLeaveServerNotice    Code = "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"
	WeakPassword               Code = "M_WEAK_PASSWORD"
	UnableToAuthoriseJoin      Code = "M_UNABLE_TO_AUTHORISE_JOIN"
	UnableToGrantJoin          Code = "M_UNABLE_TO_GRANT_JOIN"
	BadAlias                   Code = "M_BAD_ALIAS"
	DuplicateAnnotation        Code = "M_DUPLICATE_ANNOTATION"
	NotYetUploaded             Code = "M_NOT_YET_UPLOADED"
	CannotOverwriteMedia       Code = "M_CANNOT_OVERWRITE_MEDIA"
	URLNotSet                  Code = "M_URL_NOT_SET"
	BadStatus                  Code = "M_BAD_STATUS"
	ConnectionFailed           Code = "M_CONNECTION_FAILED"
	ConnectionTimeout          Code = "M_CONNECTION_TIMEOUT"
	InvalidSignature           Code = "M_INVALID_SIGNATURE"
	WrongRoomKeysVersion       Code = "M_WRONG_ROOM_KEYS_VERSION"
	UnknownPos                 Code = "M_UNKNOWN_POS"
	UnknownDevice              Code = "M_UNKNOWN_DEVICE"
	InviteBlocked              Code = "M_INVITE_BLOCKED"
	ProfileTooLarge            Code = "M_PROFILE_TOO_LARGE"
	KeyTooLarge                Code = "M_KEY_TOO_LARGE"
	ExpiredActivationToken     Code = "M_EXPIRED_ACTIVATION_TOKEN" // of MSC4174, as the next
	UnknownActivationToken     Code = "M_UNKNOWN_ACTIVATION_TOKEN"
	AppserviceLoginUnsupported Code = "M_APPSERVICE_LOGIN_UNSUPPORTED"
)

// statuses names the HTTP status of each code whose status is not 400.
var statuses = map[Code]int{
	Forbidden: http.StatusForbidden, UnknownToken: http.StatusUnauthorized, MissingToken: http.StatusUnauthorized,
	UserLocked: http.StatusUnauthorized, UserSuspended: http.StatusForbidden, UserDeactivated: http.StatusForbidden,
	NotFound: http.StatusNotFound, LimitExceeded: http.StatusTooManyRequests, UserLimitExceeded: http.StatusForbidden, Unrecognized: http.StatusNotFound,
	Unauthorized: http.StatusUnauthorized, TooLarge: http.StatusRequestEntityTooLarge, ThreePIDDenied: http.StatusForbidden,
	GuestAccessForbidden: http.StatusForbidden, ResourceLimitExceeded: http.StatusForbidden, CannotLeaveServerNotice: http.StatusForbidden,
	NotYetUploaded: http.StatusGatewayTimeout, CannotOverwriteMedia: http.StatusConflict, UnableToGrantJoin: http.StatusForbidden,
	WrongRoomKeysVersion: http.StatusForbidden, InviteBlocked: http.StatusForbidden, BadStatus: http.StatusBadGateway,
	ConnectionFailed: http.StatusBadGateway, ConnectionTimeout: http.StatusGatewayTimeout,
}

// Error is the only error that reaches a client with its text intact. Every
// other error is answered as M_UNKNOWN with status 500 and logged.
type Error struct {
	Code       Code           // spec error code; empty when a question is answered with a question: user-interactive authentication
	Text       string         // for people; never internal detail
	Status     int            // HTTP status; 0 means the usual one of Code
	RetryAfter time.Duration  // with LimitExceeded: when to try again
	Extra      map[string]any // further members of the answer, such as soft_logout
	Err        error          // the cause; logged, never sent
}

// Errorf makes an Error whose text is for people.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// Error is for logs; it includes the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return string(e.Code) + ": " + e.Text + ": " + e.Err.Error()
	}
	return string(e.Code) + ": " + e.Text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// HTTPStatus returns the status that e is answered with.
func (e *Error) HTTPStatus() int {
	if e.Status != 0 {
		return e.Status
	}
	if s, ok := statuses[e.Code]; ok {
		return s
	}
	return http.StatusBadRequest
}

// IsCode reports whether err is, or wraps, an Error with code.
func IsCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// Wrap prefixes *err with the operation and its object, once per exported
// function: defer matrix.Wrap(&err, "state before %s", ev). It keeps the chain
// intact, so that an *Error below still reaches the client.
func Wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), *err)
	}
}
