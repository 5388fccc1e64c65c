package appservice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/internal/wake"
	"plenum/storage"
	"plenum/storage/appservices"
)

const (
	// transactionTime is the longest wait for a service to take a transaction.
	transactionTime = time.Minute
	// A service that does not answer is tried again after a while, which
	// doubles every time, or at once when it shows a sign of life.
	firstRetry, lastRetry = time.Second, time.Minute
	// breath is how long what happens is gathered before it is looked at again.
	breath = 50 * time.Millisecond
	// saveEvery is how far a cursor moves over what does not concern the
	// service before that is noted: after a crash it is looked at again.
	saveEvery = 5000
)

// courier brings one service its transactions. Only its own goroutine uses it.
type courier struct {
	s      *Sender
	to     *Service
	log    *slog.Logger
	inside *inside

	at               appservices.Progress
	saved            matrix.Position // as the database has it
	typing, presence int64           // serials up to which these were told
	isAway           bool            // the service did not answer the last time
}

// run tells the service what happens until ctx ends.
func (c *courier) run(ctx context.Context) {
	defer c.rest()
	sub := c.s.DB.Bus().Subscribe(wake.Anything)
	defer sub.Close()
	for ctx.Err() == nil {
		more, err := c.step(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			c.log.LogAttrs(ctx, slog.LevelError, "an application service cannot be told what happens", slog.Any("err", err))
			sleep(ctx, lastRetry)
		case !more:
			select {
			case <-sub.C():
				sleep(ctx, breath)
			case <-ctx.Done():
			}
		}
	}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// rest notes how far the cursor came.
func (c *courier) rest() {
	if c.at.Pos == c.saved || c.at.Body != nil {
		return
	}
	if err := c.save(context.Background(), c.at); err != nil && !errors.Is(err, storage.ErrClosed) {
		c.log.Error("the progress of an application service is not noted", "err", err)
	}
}

// step brings the transaction that was made, or makes the next one. It reports
// whether there is more to do already.
func (c *courier) step(ctx context.Context) (more bool, err error) {
	if c.at.Body == nil {
		more, err := c.next(ctx)
		if err != nil || c.at.Body == nil {
			return more, err
		}
	}
	if err := c.deliver(ctx); err != nil {
		return false, err
	}
	return true, c.done(ctx)
}

// next makes and stores the next transaction, if there is something to tell.
// It reports whether there is more after that.
func (c *courier) next(ctx context.Context) (more bool, err error) {
	t, err := c.gather(ctx)
	if err != nil {
		return false, err
	}
	next := appservices.Progress{Pos: t.upto, Txn: c.at.Txn}
	if !t.isEmpty() {
		next.Txn++
		if next.Body, err = t.body(); err != nil {
			return false, err
		}
	}
	if next.Body != nil || next.Pos-c.saved > saveEvery {
		if err := c.save(ctx, next); err != nil {
			return false, err
		}
	}
	c.at, c.typing, c.presence = next, t.serial, t.serial
	return t.more, nil
}

// save stores progress. It is not given up when ctx ends.
func (c *courier) save(ctx context.Context, p appservices.Progress) error {
	ctx = context.WithoutCancel(ctx)
	err := c.s.DB.Write(ctx, func(tx *storage.Tx) error { return appservices.Save(ctx, tx, c.to.ID, p) })
	if err == nil {
		c.saved = p.Pos
	}
	return err
}

// deliver sends the transaction until the service has taken it, however long
// that takes, or ctx ends.
func (c *courier) deliver(ctx context.Context) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := c.put(ctx)
		if err == nil {
			c.noteAway(ctx, nil)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c.noteAway(ctx, err)
		select {
		case <-time.After(wait + rand.N(wait/4)):
		case <-c.to.poke:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// put sends the transaction once.
//
// Spec: application-service-api#put_matrixappv1transactionstxnid
func (c *courier) put(ctx context.Context) error {
	select {
	case <-c.to.poke: // what it did before has told us nothing yet
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, transactionTime)
	defer cancel()
	a, err := c.s.registry.request(ctx, c.to, http.MethodPut, "transactions/"+strconv.FormatInt(c.at.Txn, 10), nil, c.at.Body)
	if err == nil && !a.isOK() {
		err = fmt.Errorf("it answered with status %d", a.status)
	}
	return err
}

// noteAway logs when a service goes away and when it is back.
func (c *courier) noteAway(ctx context.Context, err error) {
	switch {
	case err != nil && !c.isAway:
		c.log.LogAttrs(ctx, slog.LevelWarn, "an application service takes no transactions; they wait for it", slog.Any("err", err))
	case err == nil && c.isAway:
		c.log.LogAttrs(ctx, slog.LevelInfo, "an application service takes transactions again")
	}
	c.isAway = err != nil
}

// done forgets the transaction, which has arrived, and with it the messages to
// devices that it held.
func (c *courier) done(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if c.to.devices {
		if err := c.acknowledge(ctx); err != nil {
			return err
		}
	}
	arrived := appservices.Progress{Pos: c.at.Pos, Txn: c.at.Txn}
	if err := c.save(ctx, arrived); err != nil {
		return err // it is sent again, which is no harm
	}
	c.at = arrived
	return nil
}

func (c *courier) acknowledge(ctx context.Context) error {
	type device struct {
		user   id.UserID
		device id.DeviceID
	}
	arrived := map[device]bool{}
	for _, m := range gjson.GetBytes(c.at.Body, "to_device").Array() {
		arrived[device{id.UserID(m.Get("to_user_id").Str), id.DeviceID(m.Get("to_device_id").Str)}] = true
	}
	for d := range arrived {
		if err := c.s.ToDevice.Acknowledge(ctx, d.user, d.device, c.at.Pos); err != nil {
			return err
		}
	}
	return nil
}
