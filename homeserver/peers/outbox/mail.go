package outbox

import (
	"context"
	"encoding/json"

	"plenum/storage"
	"plenum/storage/outbox"
)

// Post lets a message from device to device wait for a server, in tx: what was
// acknowledged to the sender will arrive. content is that of the EDU. A server
// that is away for too long loses the oldest messages.
//
// Spec: server-server-api#send-to-device-messaging
func (o *Outbox) Post(ctx context.Context, tx *storage.Tx, server string, content json.RawMessage) error {
	if _, err := outbox.AddMail(ctx, tx, server, content); err != nil {
		return err
	}
	tx.OnCommit(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		p := o.to(server)
		p.mail.count++
		if p.mail.count > o.opt.MaxMail {
			p.mail.count = o.opt.MaxMail / 2
			o.dropMail(server, p.mail.count)
		}
		o.nudge(p)
	})
	return nil
}

// dropMail removes the oldest messages for a server, in a write of its own.
func (o *Outbox) dropMail(server string, keep int) {
	o.db.Submit(func(tx *storage.Tx) error { return outbox.DropOldMail(context.Background(), tx, server, keep) })
}

// mailed notes which messages have arrived. They are deleted with the next
// save; until then mail.sent says not to send them again.
func (o *Outbox) mailed(p *peer, c *parcel) {
	if !c.asked {
		return
	}
	if c.mailed == 0 { // there are none, whatever was counted
		if p.mail.count == c.counted {
			p.mail.count = 0
		}
		return
	}
	p.mail.count = max(0, p.mail.count-c.mailed)
	p.mail.sent = max(p.mail.sent, c.mailUpto)
	o.read[p.server] = p.mail.sent
	o.changed(p)
}
