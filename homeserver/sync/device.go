package sync

import (
	"context"

	"plenum/internal/matrix"
	store "plenum/storage/todevice"
)

// mailAtOnce is how many messages from device to device one answer holds. The
// rest comes with the next ones, for which nobody has to wait.
const mailAtOnce = 100

// mail is the messages from other devices that wait for the one that syncs.
type mail []store.Message

// delivered returns up to where the device has received its messages.
func (r *request) delivered() matrix.Position { return r.since.Pos - r.since.Lag }

// acknowledge removes the messages that the token proves to have arrived.
func (r *request) acknowledge(ctx context.Context) error {
	if r.who.Device == "" {
		return nil
	}
	return r.s.ToDevice.Acknowledge(ctx, r.who.User, r.who.Device, r.delivered())
}

// readMail reads what waits for the device, and notes in the next token what
// has to wait longer.
//
// Spec: client-server-api#send-to-device-messaging
func (t *turn) readMail(ctx context.Context) (err error) {
	if t.who.Device == "" {
		return nil
	}
	var upto matrix.Position
	t.mail, upto, err = t.s.ToDevice.Pending(ctx, t.who.User, t.who.Device, t.delivered(), t.next.Pos, mailAtOnce)
	t.next.Lag = t.next.Pos - upto
	return err
}

func (t *turn) writeMail() {
	list := t.out.OpenEvents("to_device")
	for _, m := range t.mail {
		t.out.Raw(m.JSON)
	}
	t.out.CloseEvents(list)
}

// writeDeviceLists writes whose devices changed, and with whom the user shares
// no room any more. A new device asks for all keys that it needs anyway.
//
// Spec: client-server-api#e2e-extensions-to-sync
func (t *turn) writeDeviceLists(ctx context.Context) error {
	if t.initial {
		return nil
	}
	changed, left, err := t.s.Keys.Changes(ctx, t.who.User, t.since.Pos, t.next.Pos)
	if err != nil {
		return err
	}
	lists := t.out.Open("device_lists")
	t.out.Users("changed", changed)
	t.out.Users("left", left)
	t.out.Close(lists)
	return nil
}

// writeStock writes how many keys the device has left to be given out, and
// reports whether the device was told otherwise before.
func (t *turn) writeStock(ctx context.Context) (changed bool, err error) {
	if t.who.Device == "" {
		return false, nil
	}
	stock, err := t.s.Keys.Stock(ctx, t.who.User, t.who.Device)
	if err != nil {
		return false, err
	}
	device := deviceKey{t.who.User, t.who.Device}
	last, known := t.s.stocks.Get(device)
	t.s.stocks.Add(device, stock)
	t.out.Stock(stock.OneTime, stock.UnusedFallbacks)
	return known && !stock.Equal(last), nil
}
