package push

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	mathrand "math/rand/v2"
	"time"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/homeserver/push/webpush"
	"plenum/internal/matrix"
	"plenum/storage"
	store "plenum/storage/userdata"
)

// activationLife is how long the client of a new web pusher may take to show
// that a message to it has arrived.
const activationLife = 5 * time.Minute

// activation returns what a pusher that is set has to wait for: nothing unless
// it is a web pusher that is new, reached in another way than before, or still
// waiting. was is the pusher in its place, nil when there is none.
func (p *Push) activation(ctx context.Context, tx *storage.Tx, made, was *store.Pusher) (*store.Activation, error) {
	if !isWeb(made.Kind) {
		return nil, nil
	}
	if was != nil && isWeb(was.Kind) && sameData(made, was, "url") && sameData(made, was, "auth") {
		waits, err := store.IsWaiting(ctx, tx, was.User, was.AppID, was.Key)
		if err != nil || !waits {
			return nil, err
		}
	}
	return &store.Activation{
		User: made.User, AppID: made.AppID, Key: made.Key,
		Token: rand.Text(), ExpiresMS: p.opt.Now().Add(activationLife).UnixMilli(),
	}, nil
}

func sameData(a, b *store.Pusher, name string) bool {
	return gjson.GetBytes(a.Data, name).Str == gjson.GetBytes(b.Data, name).Str
}

// wait stores what made has to wait for, and lets it be told the token.
func (p *Push) wait(ctx context.Context, tx *storage.Tx, made *store.Pusher, a *store.Activation) error {
	key := keyOfPusher(made)
	tx.OnCommit(func() { p.pushers.wait(key, a) })
	if a == nil {
		return store.DeleteActivation(ctx, tx, made.User, made.AppID, made.Key)
	}
	tx.OnCommit(func() { p.fresh.add(key) })
	return store.PutActivation(ctx, tx, a)
}

// IsWaiting reports whether a pusher is not told anything yet.
func (p *Push) IsWaiting(user id.UserID, appID, key string) bool {
	return p.pushers.isWaiting(pusherKey{user, appID, key})
}

// Activate lets a pusher of who asks be told what it is for: its client has got
// the token.
//
// Spec: MSC4174
func (p *Push) Activate(ctx context.Context, who matrix.Principal, appID, token string) error {
	found := false
	for _, one := range p.pushers.all(who.User) {
		if one.AppID != appID || !isWeb(one.Kind) {
			continue
		}
		found = true
		a := p.pushers.waitsFor(keyOfPusher(one))
		if a == nil || subtle.ConstantTimeCompare([]byte(a.Token), []byte(token)) != 1 {
			continue
		}
		if p.opt.Now().UnixMilli() >= a.ExpiresMS {
			return matrix.Errorf(matrix.ExpiredActivationToken, "The token has expired. Set the pusher again.")
		}
		return p.db.Write(ctx, func(tx *storage.Tx) error { return p.wait(ctx, tx, one, nil) })
	}
	if !found {
		return matrix.Errorf(matrix.NotFound, "You have no such pusher.")
	}
	return matrix.Errorf(matrix.UnknownActivationToken, "The token is not known.")
}

// sendToken tells a pusher its token, unless that was done or has expired.
func (p *Push) sendToken(ctx context.Context, to *store.Pusher, a *store.Activation) error {
	text, err := json.Marshal(map[string]string{"app_id": to.AppID, "ack_token": a.Token})
	if err != nil {
		return err
	}
	for wait := firstRetry; ; wait *= 2 {
		left := time.UnixMilli(a.ExpiresMS).Sub(p.opt.Now())
		if left <= 0 || !p.pushers.untold(keyOfPusher(to), a) {
			return nil
		}
		gone, err := p.putWeb(ctx, to, webpush.Message{Text: text, Urgency: webpush.High, Life: left})
		if gone {
			return p.reject(ctx, to)
		}
		if err == nil {
			p.pushers.tell(keyOfPusher(to), a)
			return nil
		}
		select {
		case <-time.After(wait + mathrand.N(wait/4)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
