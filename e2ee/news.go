package e2ee

import (
	"context"
	"sort"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/devicekeys"
)

// news is when the keys of whom changed last, in memory as a whole: some
// hundred bytes for each user who ever had a device with keys.
type news struct {
	mu       sync.RWMutex
	last     map[id.UserID]matrix.Position
	order    []devicekeys.Change // by position; those with a newer change are skipped
	verified map[id.UserID]map[id.UserID]matrix.Position
}

func loadNews(ctx context.Context, db *storage.DB) (*news, error) {
	n := &news{last: map[id.UserID]matrix.Position{}, verified: map[id.UserID]map[id.UserID]matrix.Position{}}
	err := db.Read(ctx, func(tx *storage.Tx) error {
		err := devicekeys.AllChanges(ctx, tx, func(c devicekeys.Change) error {
			n.last[c.User] = c.Pos
			n.order = append(n.order, c)
			return nil
		})
		if err != nil {
			return err
		}
		return devicekeys.AllVerifications(ctx, tx, func(v devicekeys.Verification) error {
			n.signed(v.Signer, v.User, v.Pos)
			return nil
		})
	})
	sort.Slice(n.order, func(i, j int) bool { return n.order[i].Pos < n.order[j].Pos })
	return n, err
}

// changed takes over a change. It runs in the log's writer, in order.
func (n *news) changed(user id.UserID, pos matrix.Position) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last[user] = pos
	n.order = append(n.order, devicekeys.Change{User: user, Pos: pos})
	if len(n.order) > 2*len(n.last)+1000 {
		kept := n.order[:0:0]
		for _, c := range n.order {
			if n.last[c.User] == c.Pos {
				kept = append(kept, c)
			}
		}
		n.order = kept
	}
}

// signed takes over that signer signed a key of user.
func (n *news) signed(signer, user id.UserID, pos matrix.Position) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.verified[signer] == nil {
		n.verified[signer] = map[id.UserID]matrix.Position{}
	}
	n.verified[signer][user] = pos
}

// between returns the users whose last change is in a span.
func (n *news) between(since, upto matrix.Position) []id.UserID {
	n.mu.RLock()
	defer n.mu.RUnlock()
	i := sort.Search(len(n.order), func(i int) bool { return n.order[i].Pos > since })
	var out []id.UserID
	for _, c := range n.order[i:] {
		// A newer change, after upto, counts too: this one may have been news
		// for whoever asks.
		if c.Pos <= upto {
			out = append(out, c.User)
		}
	}
	return out
}

// verifiedBetween returns the users of whom signer signed a key in a span.
func (n *news) verifiedBetween(signer id.UserID, since, upto matrix.Position) []id.UserID {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var out []id.UserID
	for user, pos := range n.verified[signer] {
		if pos > since && pos <= upto {
			out = append(out, user)
		}
	}
	return out
}
