package e2ee_test

import (
	"encoding/json"
	"testing"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/internal/matrix"
)

// identity is a user's cross-signing keys.
type identity struct{ master, self, user signer }

func newIdentity(user id.UserID) identity {
	return identity{newSigner(user, ""), newSigner(user, ""), newSigner(user, "")}
}

func (i identity) key(s signer, usage string) map[string]any {
	return map[string]any{"user_id": s.user, "usage": []string{usage}, "keys": map[string]string{"ed25519:" + s.public(): s.public()}}
}

func (i identity) upload() e2ee.CrossSigning {
	return e2ee.CrossSigning{
		Master:      raw(i.key(i.master, "master")),
		SelfSigning: raw(i.master.sign(i.key(i.self, "self_signing"))),
		UserSigning: raw(i.master.sign(i.key(i.user, "user_signing"))),
	}
}

func (h *house) crossSign(user id.UserID) identity {
	h.Helper()
	i := newIdentity(user)
	h.must(h.SetCrossSigning(h.Context(), user, i.upload()))
	return i
}

func TestCrossSigningKeys(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		h.room(bob)
		first := newIdentity(ada)
		needs := func(c e2ee.CrossSigning, want bool) {
			t.Helper()
			if got, err := h.NeedsAuth(h.Context(), ada, c); err != nil || got != want {
				t.Errorf("needs a password: %v, %v; want %v", got, err, want)
			}
		}
		needs(first.upload(), false)
		since := h.db.Committed()
		h.must(h.SetCrossSigning(h.Context(), ada, first.upload()))
		h.wantChanges(bob, since, []id.UserID{ada}, nil)
		needs(first.upload(), false)
		second := newIdentity(ada)
		needs(second.upload(), true)

		bad := second.upload()
		bad.SelfSigning = raw(second.user.sign(second.key(second.self, "self_signing")))
		h.refused(h.SetCrossSigning(h.Context(), ada, bad), matrix.InvalidSignature)
		h.refused(h.SetCrossSigning(h.Context(), bob, second.upload()), matrix.InvalidParam)
		h.refused(h.SetCrossSigning(h.Context(), ada, e2ee.CrossSigning{Master: json.RawMessage(`{}`)}), matrix.InvalidParam)

		seen := func(user id.UserID) *e2ee.Found {
			t.Helper()
			f, err := h.Query(h.Context(), on(user, "PHONE"), map[id.UserID][]id.DeviceID{ada: nil})
			h.must(err)
			return f
		}
		if f := seen(ada); f.Master[ada] == nil || f.SelfSigning[ada] == nil || f.UserSigning[ada] == nil {
			t.Errorf("ada sees %+v", f)
		}
		if f := seen(bob); f.Master[ada] == nil || f.SelfSigning[ada] == nil || f.UserSigning[ada] != nil {
			t.Errorf("bob sees %+v", f)
		}
	})
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	each(t, e2ee.Options{}, func(h *house) {
		h.room(bob, eve)
		a, b := h.crossSign(ada), h.crossSign(bob)
		phone, keys := h.upload(ada, "PHONE")
		sign := func(user id.UserID, s e2ee.Signed, want matrix.Code) {
			t.Helper()
			failures, err := h.Sign(h.Context(), on(user, "PHONE"), s)
			h.must(err)
			got := matrix.Code("")
			for _, keys := range failures {
				for _, why := range keys {
					got = why.Code
				}
			}
			if got != want {
				t.Errorf("refused with %q, want %q", got, want)
			}
		}
		sigs := func(user id.UserID, find func(*e2ee.Found) json.RawMessage) gjson.Result {
			t.Helper()
			f, err := h.Query(h.Context(), on(user, "PHONE"), map[id.UserID][]id.DeviceID{ada: nil, bob: nil})
			h.must(err)
			return gjson.GetBytes(find(f), "signatures")
		}
		phoneOf := func(f *e2ee.Found) json.RawMessage { return f.Devices[ada]["PHONE"] }
		masterOfBob := func(f *e2ee.Found) json.RawMessage { return f.Master[bob] }
		by := func(user id.UserID, s signer) string {
			return gjson.Escape(string(user)) + "." + gjson.Escape("ed25519:"+s.name)
		}

		since := h.db.Committed()
		sign(ada, e2ee.Signed{ada: {"PHONE": raw(a.self.sign(keys))}}, "")
		h.wantChanges(bob, since, []id.UserID{ada}, nil)
		if s := sigs(bob, phoneOf); !s.Get(by(ada, a.self)).Exists() || !s.Get(by(ada, phone)).Exists() {
			t.Errorf("the phone is signed by %s", s)
		}
		sign(ada, e2ee.Signed{ada: {a.master.public(): raw(phone.sign(a.key(a.master, "master")))}}, "")

		since = h.db.Committed()
		sign(ada, e2ee.Signed{bob: {b.master.public(): raw(a.user.sign(b.key(b.master, "master")))}}, "")
		h.wantChanges(ada, since, []id.UserID{bob}, nil)
		h.wantChanges(eve, since, nil, nil) // whom ada trusts is nobody's business
		h.reopen()
		h.wantChanges(ada, since, []id.UserID{bob}, nil)
		if !sigs(ada, masterOfBob).Get(by(ada, a.user)).Exists() {
			t.Error("ada does not see her signature on bob's key")
		}
		if sigs(eve, masterOfBob).Get(by(ada, a.user)).Exists() {
			t.Error("eve sees whom ada trusts")
		}

		other := newIdentity(ada)
		sign(ada, e2ee.Signed{ada: {"PHONE": raw(other.self.sign(keys))}}, matrix.InvalidSignature)
		sign(ada, e2ee.Signed{ada: {"NONE": raw(a.self.sign(keys))}}, matrix.NotFound)
		sign(ada, e2ee.Signed{bob: {"PHONE": raw(a.user.sign(keys))}}, matrix.NotFound)
		sign(ada, e2ee.Signed{bob: {b.master.public(): raw(a.self.sign(b.key(b.master, "master")))}}, matrix.InvalidSignature)
		changed := b.key(b.master, "master")
		changed["more"] = 1
		sign(ada, e2ee.Signed{bob: {b.master.public(): raw(a.user.sign(changed))}}, matrix.InvalidParam)

		// A new identity is signed by nobody.
		h.must(h.SetCrossSigning(h.Context(), ada, other.upload()))
		if s := sigs(bob, phoneOf); s.Get(by(ada, a.self)).Exists() || !s.Get(by(ada, phone)).Exists() {
			t.Errorf("the phone is signed by %s", s)
		}
	})
}
