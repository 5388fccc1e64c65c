package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

// handleRoom takes in events of one room, one after the other: the sender has
// sorted them.
func (in *Inbound) handleRoom(ctx context.Context, from string, events []json.RawMessage) Results {
	results := Results{}
	for _, raw := range events {
		if ctx.Err() != nil {
			break // the transaction will come again
		}
		var ev id.EventID
		err := in.guarded(func() (err error) {
			ev, err = in.receive(ctx, from, raw)
			return err
		})
		in.metrics.pdu(reason(err))
		if ev == "" {
			continue
		}
		if err != nil {
			in.log.LogAttrs(ctx, slog.LevelDebug, "event refused",
				slog.String("event", string(ev)), slog.String("origin", from), slog.Any("err", err))
		}
		results[ev] = PDUResult{said(err)}
	}
	return results
}

// guarded calls fn. A panic is a fault of ours, which must not stop the server.
func (in *Inbound) guarded(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			in.metrics.pdu("panic")
			in.log.LogAttrs(in.life, slog.LevelError, "panic", slog.Any("err", v), slog.String("stack", string(debug.Stack())))
			err = errPanicked
		}
	}()
	return fn()
}

// errPanicked makes the sender give up: once more would be no better.
var errPanicked = &matrix.Error{Code: matrix.Unknown, Text: "Something went wrong on the server."}

func (in *Inbound) receive(ctx context.Context, from string, raw json.RawMessage) (id.EventID, error) {
	ctx, cancel := context.WithTimeout(ctx, in.opt.PerEvent)
	defer cancel()
	room := id.RoomID(gjson.GetBytes(raw, "room_id").Str)
	ok, err := in.rooms.ServerMayTalk(ctx, room, from)
	if err != nil {
		return "", err
	}
	if !ok {
		// Its id, under which the answer would say so, is not worth its price.
		return "", errKeptOut
	}
	return in.rooms.Receive(ctx, from, raw)
}

var errKeptOut = &matrix.Error{Code: matrix.Forbidden, Text: "The room does not let the server take part."}

// reason is what an outcome is counted as.
func reason(err error) string {
	var refusal *matrix.Error
	switch {
	case err == nil:
		return "taken"
	case errors.Is(err, errKeptOut):
		return "kept out"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case !errors.As(err, &refusal):
		return "unfounded" // what it is built on was not to be had
	}
	switch refusal.Code {
	case matrix.NotFound:
		return "unknown room"
	case matrix.BadJSON, matrix.NotJSON:
		return "malformed"
	case matrix.TooLarge:
		return "too large"
	case matrix.UnsupportedRoomVersion, matrix.IncompatibleRoomVersion:
		return "room version"
	}
	return "forbidden"
}

// said is what the sender is told of an outcome.
func said(err error) string {
	var refusal *matrix.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Text
	}
	return "What the event is built on could not be found."
}
