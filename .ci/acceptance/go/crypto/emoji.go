package main

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix/crypto/verificationhelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// emoji is one side of a verification by emoji: what the library tells.
type emoji struct {
	helper *verificationhelper.VerificationHelper
	asked  chan id.VerificationTransactionID
	ready  chan id.VerificationTransactionID
	shown  chan string
	done   chan error
}

func newEmoji() emoji {
	return emoji{
		asked: make(chan id.VerificationTransactionID, 9), ready: make(chan id.VerificationTransactionID, 9),
		shown: make(chan string, 9), done: make(chan error, 9),
	}
}

// VerificationRequested implements verificationhelper.RequiredCallbacks, and so
// do the next three.
func (e emoji) VerificationRequested(_ context.Context, txn id.VerificationTransactionID, _ id.UserID, _ id.DeviceID) {
	e.asked <- txn
}

func (e emoji) VerificationReady(_ context.Context, txn id.VerificationTransactionID, _ id.DeviceID, _, _ bool, _ *verificationhelper.QRCode) {
	e.ready <- txn
}

func (e emoji) VerificationCancelled(_ context.Context, _ id.VerificationTransactionID, code event.VerificationCancelCode, reason string) {
	e.done <- fmt.Errorf("verification cancelled: %s %s", code, reason)
}

func (e emoji) VerificationDone(context.Context, id.VerificationTransactionID, event.VerificationMethod) {
	e.done <- nil
}

// ShowSAS implements verificationhelper.ShowSASCallbacks.
func (e emoji) ShowSAS(_ context.Context, _ id.VerificationTransactionID, pictures []rune, _ []string, _ []int) {
	e.shown <- string(pictures)
}

// compareEmoji verifies one by other and the other way round.
func compareEmoji(ctx context.Context, one, other *secretive) error {
	txn, err := one.helper.StartVerification(ctx, other.UserID)
	if err != nil {
		return err
	}
	asked, err := next(ctx, other.asked, "to be asked")
	if err != nil {
		return err
	}
	if err := other.helper.AcceptVerification(ctx, asked); err != nil {
		return err
	}
	if _, err := next(ctx, one.ready, "the other side to be ready"); err != nil {
		return err
	}
	if err := one.helper.StartSAS(ctx, txn); err != nil {
		return err
	}
	here, err := next(ctx, one.shown, "emoji")
	if err != nil {
		return err
	}
	there, err := next(ctx, other.shown, "emoji")
	if err != nil {
		return err
	}
	if here != there || here == "" {
		return fmt.Errorf("one sees %s, the other %s", here, there)
	}
	// This version of the library trips when the other side has confirmed
	// before, so neither hears of it until both have.
	one.Leave()
	other.Leave()
	for _, side := range []*secretive{one, other} {
		if err := side.helper.ConfirmSAS(ctx, txn); err != nil {
			return err
		}
	}
	one.Follow(ctx)
	other.Follow(ctx)
	for _, side := range []*secretive{one, other} {
		failed, err := next(ctx, side.done, "the end")
		if err != nil || failed != nil {
			return fmt.Errorf("%w %w", err, failed)
		}
	}
	return nil
}

// next waits for what a side is told next.
func next[T any](ctx context.Context, c <-chan T, what string) (T, error) {
	select {
	case v := <-c:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("waited in vain for %s", what)
	}
}
