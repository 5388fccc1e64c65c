package homeserver

import (
	"context"

	"maunium.net/go/mautrix/id"
)

// mediaGone deletes the files of an account that is erased. A file that
// somebody else has sent, too, stays theirs. It is an account.Hooks function.
func (p *parts) mediaGone(ctx context.Context, user id.UserID, erase bool) error {
	if !erase {
		return nil
	}
	_, err := p.media.DeleteByUser(ctx, user)
	return err
}
