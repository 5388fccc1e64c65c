package todevice

import (
	"context"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/todevice"
)

// Mail is a message with the device that it is for.
type Mail struct {
	todevice.Recipient
	JSON []byte // as sync gives it out
}

// MailBetween returns the messages with after < position <= upto to the users
// that are wanted, at most limit and in order, and the position up to which
// these are all.
func (s *Sender) MailBetween(ctx context.Context, after, upto matrix.Position, limit int, wanted func(id.UserID) bool) (mail []Mail, end matrix.Position, err error) {
	const look = 1000
	err = s.db.Read(ctx, func(tx *storage.Tx) error {
		all, err := todevice.Recipients(ctx, tx, after, upto, look)
		if err != nil {
			return err
		}
		if end = upto; len(all) == look {
			end = all[look-1].Pos
		}
		mail = nil
		var at []matrix.Position
		for _, r := range all {
			if len(mail) == limit {
				end = mail[limit-1].Pos
				break
			}
			if wanted(r.User) {
				mail, at = append(mail, Mail{Recipient: r}), append(at, r.Pos)
			}
		}
		if len(at) == 0 {
			return nil
		}
		msgs, err := todevice.At(ctx, tx, at)
		mail = filled(mail, msgs)
		return err
	})
	return mail, end, err
}

// filled puts messages into the mail that they belong to. What was fetched by
// the device itself meanwhile is left out.
func filled(mail []Mail, msgs []todevice.Message) []Mail {
	var out []Mail
	for _, m := range mail {
		for len(msgs) > 0 && msgs[0].Pos < m.Pos {
			msgs = msgs[1:]
		}
		if len(msgs) > 0 && msgs[0].Pos == m.Pos {
			m.JSON = msgs[0].JSON
			out = append(out, m)
		}
	}
	return out
}
