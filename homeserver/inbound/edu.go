package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"plenum/internal/matrix"
)

// edu is something that is not an event.
//
// Spec: server-server-api#edus
type edu struct {
	Type    string          `json:"edu_type"`
	Content json.RawMessage `json:"content"`
}

// handleEDUs hands on what is not an event, in its order. What nobody knows is
// passed over: newer servers send more.
func (in *Inbound) handleEDUs(ctx context.Context, from string, edus []json.RawMessage) error {
	var failed error
	for _, raw := range edus {
		var e edu
		if json.Unmarshal(raw, &e) != nil || len(e.Content) == 0 || e.Content[0] != '{' {
			in.metrics.edu("other", "malformed")
			continue
		}
		handler, ok := in.edus[e.Type]
		if !ok {
			in.metrics.edu("other", "unknown")
			continue
		}
		err := in.guarded(func() error { return in.handleEDU(ctx, from, e, handler) })
		var refusal *matrix.Error
		switch {
		case err == nil:
			in.metrics.edu(e.Type, "taken")
		case errors.As(err, &refusal):
			in.metrics.edu(e.Type, "refused")
			in.log.LogAttrs(ctx, slog.LevelDebug, "EDU refused",
				slog.String("type", e.Type), slog.String("origin", from), slog.Any("err", err))
		default:
			in.metrics.edu(e.Type, "failed")
			failed = errors.Join(failed, fmt.Errorf("EDU %s: %w", e.Type, err))
		}
	}
	return failed
}

func (in *Inbound) handleEDU(ctx context.Context, from string, e edu, handler EDUHandler) error {
	ctx, cancel := context.WithTimeout(ctx, in.opt.PerEDU)
	defer cancel()
	return handler(ctx, from, e.Content)
}
