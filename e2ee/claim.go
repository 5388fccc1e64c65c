package e2ee

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
	"plenum/storage/devicekeys"
)

// maxClaimed bounds the devices of one claim.
const maxClaimed = 10_000

// Claims names an algorithm for each device of which a key is wanted.
type Claims map[id.UserID]map[id.DeviceID]string

// Claimed are the keys given out, by algorithm:id.
type Claimed map[id.UserID]map[id.DeviceID]map[string]json.RawMessage

// Claim gives out a one-time key of each device, or its fallback key when there
// is no other. Each one-time key is given out once.
//
// Spec: client-server-api#post_matrixclientv3keysclaim
//
// It also returns the servers that did not answer.
func (k *Keys) Claim(ctx context.Context, p matrix.Principal, claims Claims) (Claimed, map[string]struct{}, error) {
	list, err := k.allowed(claims, func(user id.UserID) (bool, error) { return k.mayAsk(ctx, p.User, user) })
	if err != nil {
		return nil, nil, err
	}
	out, err := k.claim(ctx, list)
	if err != nil {
		return nil, nil, err
	}
	return out, k.claimAbroad(ctx, claims, out), nil
}

// claim gives out keys of users of this server.
func (k *Keys) claim(ctx context.Context, list []claim) (out Claimed, err error) {
	out = Claimed{}
	if len(list) == 0 {
		return out, nil
	}
	err = k.db.Write(ctx, func(tx *storage.Tx) error {
		out = Claimed{}
		for _, c := range list {
			key, found, err := k.take(ctx, tx, c)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			if out[c.user] == nil {
				out[c.user] = map[id.DeviceID]map[string]json.RawMessage{}
			}
			out[c.user][c.device] = map[string]json.RawMessage{key.Algorithm + ":" + key.ID: key.JSON}
		}
		return nil
	})
	return out, err
}

// claim is one key that is wanted.
type claim struct {
	deviceKey
	algorithm string
}

// allowed returns the claims on devices of whose users may be asked, in an
// order.
func (k *Keys) allowed(claims Claims, mayAsk func(id.UserID) (bool, error)) ([]claim, error) {
	var out []claim
	for user, devices := range claims {
		if !k.isLocal(user) {
			continue
		}
		may, err := mayAsk(user)
		if err != nil {
			return nil, err
		}
		if !may {
			continue
		}
		for device, algorithm := range devices {
			out = append(out, claim{deviceKey{user, device}, algorithm})
		}
	}
	if len(out) > maxClaimed {
		return nil, matrix.Errorf(matrix.TooLarge, "At most %d keys can be claimed at once.", maxClaimed)
	}
	slices.SortFunc(out, func(a, b claim) int {
		if c := strings.Compare(string(a.user), string(b.user)); c != 0 {
			return c
		}
		return strings.Compare(string(a.device), string(b.device))
	})
	return out, nil
}

// take takes a key of a device, and tells the device that it has one less.
func (k *Keys) take(ctx context.Context, tx *storage.Tx, c claim) (devicekeys.OneTimeKey, bool, error) {
	key, found, err := devicekeys.TakeOneTime(ctx, tx, c.user, c.device, c.algorithm)
	if err == nil && !found {
		key, found, err = devicekeys.UseFallback(ctx, tx, c.user, c.device, c.algorithm)
	}
	if err != nil || !found {
		return key, false, err
	}
	k.touched(tx, c.deviceKey)
	tx.Wake(rooms.UserTopic(c.user))
	return key, true, nil
}
