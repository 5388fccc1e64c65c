package e2ee_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/storage"
)

func TestOneTimeKeysAreGivenOnce(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{Strangers: true}, func(h *house) {
		const keys, claims = 40, 60
		_, err := h.Upload(h.Context(), on(ada, "PHONE"), e2ee.Upload{
			OneTime: oneTime(0, keys), Fallback: map[string]json.RawMessage{"signed_curve25519:fall": raw(map[string]any{"key": "back", "fallback": true})},
		})
		h.must(err)
		var mu sync.Mutex
		given := map[string]int{}
		var all sync.WaitGroup
		for range claims {
			all.Go(func() {
				got, _, err := h.Claim(context.Background(), on(bob, "PHONE"), e2ee.Claims{ada: {"PHONE": "signed_curve25519", "NONE": "signed_curve25519"}})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for name := range got[ada]["PHONE"] {
					given[name]++
				}
				if len(got[ada]["NONE"]) != 0 {
					t.Error("a device that does not exist gave a key")
				}
			})
		}
		all.Wait()
		for name, n := range given {
			if want := map[bool]int{true: claims - keys, false: 1}[name == "signed_curve25519:fall"]; n != want {
				t.Errorf("%s was given %d times, want %d", name, n, want)
			}
		}
		left, err := h.Stock(h.Context(), ada, "PHONE")
		if h.must(err); left.OneTime["signed_curve25519"] != 0 || len(left.UnusedFallbacks) != 0 {
			t.Errorf("left: %+v", left)
		}
		_, err = h.Upload(h.Context(), on(ada, "PHONE"), e2ee.Upload{Fallback: map[string]json.RawMessage{"signed_curve25519:next": raw(map[string]any{"key": "x"})}})
		h.must(err)
		if left, _ = h.Stock(h.Context(), ada, "PHONE"); len(left.UnusedFallbacks) != 1 {
			t.Errorf("after a new fallback key: %+v", left)
		}
	})
}

func TestOldestKeyFirst(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{Strangers: true}, func(h *house) {
		for _, first := range []int{500, 0} {
			_, err := h.Upload(h.Context(), on(ada, "PHONE"), e2ee.Upload{OneTime: oneTime(first, 2)})
			h.must(err)
		}
		for _, want := range []int{500, 501, 0, 1} {
			got, _, err := h.Claim(h.Context(), on(bob, "PHONE"), e2ee.Claims{ada: {"PHONE": "signed_curve25519"}})
			if h.must(err); got[ada]["PHONE"][fmt.Sprintf("signed_curve25519:%06d", want)] == nil {
				t.Errorf("got %v, want %d", got, want)
			}
		}
	})
}

func TestUploadRefuses(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		_, good := device(ada, "PHONE")
		forged := map[string]any{}
		for k, v := range good {
			forged[k] = v
		}
		forged["algorithms"] = []string{"other"}
		for name, c := range map[string]struct {
			u    e2ee.Upload
			code matrix.Code
		}{
			"another's":    {e2ee.Upload{Device: raw(func() any { _, k := device(bob, "PHONE"); return k }())}, matrix.BadJSON},
			"other device": {e2ee.Upload{Device: raw(func() any { _, k := device(ada, "LAPTOP"); return k }())}, matrix.BadJSON},
			"no keys":      {e2ee.Upload{Device: raw(map[string]any{"user_id": ada, "device_id": "PHONE"})}, matrix.BadJSON},
			"forged":       {e2ee.Upload{Device: raw(forged)}, matrix.InvalidSignature},
			"no algorithm": {e2ee.Upload{OneTime: map[string]json.RawMessage{"x": raw("y")}}, matrix.BadJSON},
			"a number":     {e2ee.Upload{OneTime: map[string]json.RawMessage{"a:b": raw(7)}}, matrix.BadJSON},
			"huge":         {e2ee.Upload{OneTime: map[string]json.RawMessage{"a:b": raw(strings.Repeat("x", 20_000))}}, matrix.TooLarge},
		} {
			_, err := h.Upload(h.Context(), on(ada, "PHONE"), c.u)
			if !matrix.IsCode(err, c.code) {
				t.Errorf("%s: got %v, want %s", name, err, c.code)
			}
		}
		_, err := h.Upload(h.Context(), on(ada, "PHONE"), e2ee.Upload{OneTime: oneTime(1, 1)})
		h.must(err)
		_, err = h.Upload(h.Context(), on(ada, "PHONE"), e2ee.Upload{OneTime: oneTime(1, 1)}) // the same is no error
		h.must(err)
		_, err = h.Upload(h.Context(), on(ada, "PHONE"), e2ee.Upload{OneTime: map[string]json.RawMessage{"signed_curve25519:000001": raw(map[string]any{"key": "other"})}})
		h.refused(err, matrix.InvalidParam)
	})
}

func TestQueryShowsWhatOneMaySee(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		h.who.devices[ada] = map[id.DeviceID]string{"PHONE": "Ada's phone"}
		h.upload(ada, "PHONE")
		query := func(user id.UserID) gjson.Result {
			t.Helper()
			f, err := h.Query(h.Context(), on(user, "PHONE"), map[id.UserID][]id.DeviceID{ada: nil, "@none:one.example": nil})
			h.must(err)
			return gjson.ParseBytes(f.Devices[ada]["PHONE"])
		}
		if query(bob).Exists() {
			t.Error("a stranger got keys")
		}
		h.room(bob)
		if !query(bob).Exists() || query(bob).Get("unsigned").Exists() {
			t.Errorf("bob sees %s", query(bob))
		}
		if query(ada).Get("unsigned.device_display_name").Str != "Ada's phone" {
			t.Errorf("ada sees %s", query(ada))
		}
		h.must(h.db.Write(h.Context(), func(tx *storage.Tx) error {
			return h.DevicesGone(h.Context(), tx, ada, []id.DeviceID{"PHONE"})
		}))
		if query(bob).Exists() {
			t.Error("keys of a device that is gone")
		}
	})
}

func TestDeviceLists(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		room := h.room(bob)
		for range 2 {
			since := h.db.Committed()
			h.wantChanges(bob, since, nil, nil)
			h.upload(ada, "PHONE")
			h.wantChanges(bob, since, []id.UserID{ada}, nil)
			h.wantChanges(ada, since, []id.UserID{ada}, nil)
			h.wantChanges(eve, since, nil, nil)
			h.reopen()
		}
		h.upload(eve, "PHONE")
		since := h.db.Committed()
		h.must(h.rooms.Join(h.Context(), on(eve, "PHONE"), rooms.MemberChange{Room: room}))
		h.wantChanges(bob, since, []id.UserID{eve}, nil)
		h.wantChanges(eve, since, []id.UserID{ada, bob}, nil)
		// A profile change after the join hides nothing of it.
		h.must(h.rooms.Leave(h.Context(), on(eve, "PHONE"), rooms.MemberChange{Room: room}))
		h.must(h.rooms.Join(h.Context(), on(eve, "PHONE"), rooms.MemberChange{Room: room}))
		h.wantChanges(eve, since, []id.UserID{ada, bob}, nil)

		since = h.db.Committed()
		h.must(h.rooms.Leave(h.Context(), on(eve, "PHONE"), rooms.MemberChange{Room: room}))
		h.wantChanges(bob, since, nil, []id.UserID{eve})
		h.wantChanges(eve, since, nil, []id.UserID{ada, bob})
		second := h.room(bob, eve)
		since = h.db.Committed()
		h.must(h.rooms.Kick(h.Context(), on(ada, "PHONE"), rooms.MemberChange{Room: second, User: bob}))
		h.wantChanges(bob, since, nil, []id.UserID{eve}) // ada is in the first room still
		h.wantChanges(ada, since, nil, nil)
	})
}

func TestNewIdentityOfADevice(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{Strangers: true}, func(h *house) {
		_, keys := h.upload(ada, "PHONE")
		_, err := h.Upload(h.Context(), on(ada, "PHONE"), e2ee.Upload{OneTime: oneTime(0, 5)})
		h.must(err)
		since := h.db.Committed()
		_, err = h.Upload(h.Context(), on(ada, "PHONE"), e2ee.Upload{Device: raw(keys)})
		h.must(err)
		h.wantChanges(ada, since, nil, nil) // the same again is no news
		h.upload(ada, "PHONE")
		left, err := h.Stock(h.Context(), ada, "PHONE")
		if h.must(err); left.OneTime["signed_curve25519"] != 0 {
			t.Errorf("one-time keys of the old identity are left: %+v", left)
		}
	})
}
