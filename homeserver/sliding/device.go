package sliding

import (
	"context"
	"strconv"

	"plenum/internal/matrix"
)

// mailAtOnce is how many messages from device to device one answer holds at
// most. The rest comes with the next ones, for which nobody has to wait.
const mailAtOnce = 100

// delivered returns up to where the device has received its messages, as it
// says. What is not of this server's past says nothing.
func (a *ask) delivered() (matrix.Position, error) {
	since := a.question.extensions.ToDevice.Since
	if since == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(since, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid("%q is not a token of to_device.", since)
	}
	if pos := matrix.Position(n); pos <= a.DB.Committed() {
		return pos, nil
	}
	return 0, nil
}

// hasMail reports whether the client asks for messages from device to device.
func (a *ask) hasMail() bool { return a.question.extensions.ToDevice != nil && a.who.Device != "" }

// acknowledge removes the messages that have arrived.
func (a *ask) acknowledge(ctx context.Context) error {
	if !a.hasMail() {
		return nil
	}
	upto, err := a.delivered()
	if err != nil || upto == 0 {
		return err
	}
	return a.ToDevice.Acknowledge(ctx, a.who.User, a.who.Device, upto)
}

// writeToDevice writes the messages that wait for the device. They have a
// token of their own, so that they do not depend on what becomes of the
// connection.
//
// Spec: todo MSC3885, once it is in a release
func (t *turn) writeToDevice(ctx context.Context) (news bool, err error) {
	if !t.hasMail() {
		return false, nil
	}
	after, err := t.delivered()
	if err != nil {
		return false, err
	}
	limit := t.question.extensions.ToDevice.Limit
	if limit == 0 || limit > mailAtOnce {
		limit = mailAtOnce
	}
	mail, upto, err := t.ToDevice.Pending(ctx, t.who.User, t.who.Device, after, t.since, limit)
	if err != nil {
		return false, err
	}
	w := &t.out
	object := w.Open("to_device")
	w.Name("next_batch")
	w.Text(strconv.FormatInt(int64(upto), 10))
	w.OpenList("events")
	for _, m := range mail {
		w.Raw(m.JSON)
	}
	w.CloseList()
	w.Close(object)
	return len(mail) > 0, nil
}

// writeDevices writes whose devices changed, with whom the user shares no room
// any more, and how many keys the device has left to be given out. A new
// device asks for all keys that it needs anyway.
//
// Spec: todo MSC3884, once it is in a release
func (t *turn) writeDevices(ctx context.Context) (news bool, err error) {
	if !t.question.extensions.E2EE {
		if t.initial() {
			t.devices = t.since
		}
		return false, nil
	}
	w := &t.out
	object := w.Open("e2ee")
	if !t.initial() {
		changed, left, err := t.Keys.Changes(ctx, t.who.User, t.have.devices, t.since)
		if err != nil {
			return false, err
		}
		lists := w.Open("device_lists")
		w.Users("changed", changed)
		w.Users("left", left)
		w.Close(lists)
		news = len(changed)+len(left) > 0
	}
	t.devices = t.since
	if t.who.Device != "" {
		stock, err := t.Keys.Stock(ctx, t.who.User, t.who.Device)
		if err != nil {
			return false, err
		}
		w.Stock(stock.OneTime, stock.UnusedFallbacks)
	}
	w.Close(object)
	return news, nil
}
