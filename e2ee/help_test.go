package e2ee_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/e2ee"
	"plenum/internal/matrix"
	"plenum/rooms"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/eventlog"
	"plenum/storage/storagetest"
)

const (
	here = "one.example"
	ada  = id.UserID("@ada:one.example")
	bob  = id.UserID("@bob:one.example")
	eve  = id.UserID("@eve:one.example")
)

// registry is who has which devices.
type registry struct {
	mu      sync.Mutex
	devices map[id.UserID]map[id.DeviceID]string
}

func (r *registry) DeviceNames(_ context.Context, user id.UserID) (map[id.DeviceID]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.devices[user], nil
}

func (*registry) MemberProfile(context.Context, id.UserID) (string, string, error) {
	return "", "", nil
}

// house is keys and rooms over one database.
type house struct {
	testing.TB
	*e2ee.Keys
	rooms *rooms.Rooms
	db    *storage.DB
	who   *registry
	opt   e2ee.Options
}

func each(t *testing.T, opt e2ee.Options, fn func(h *house)) {
	t.Helper()
	opt.ServerName = here
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		h := &house{TB: t, db: db, opt: opt, who: &registry{devices: map[id.UserID]map[id.DeviceID]string{}}}
		h.reopen()
		fn(h)
	})
}

// reopen throws away what is in memory, as a restart does.
func (h *house) reopen() {
	h.Helper()
	log, err := eventlog.New()
	h.must(err)
	quiet := slog.New(slog.DiscardHandler)
	signer := event.NewSigner(here, "ed25519:1", ed25519.NewKeyFromSeed(make([]byte, 32)))
	h.rooms, err = rooms.New(h.db, log, h.who, rooms.Options{ServerName: here, DefaultVersion: "12", Signer: signer}, quiet)
	h.must(err)
	h.Keys, err = e2ee.New(h.Context(), h.db, h.rooms, h.who, h.opt, quiet)
	h.must(err)
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) refused(err error, code matrix.Code) {
	h.Helper()
	if !matrix.IsCode(err, code) {
		h.Errorf("got %v, want %s", err, code)
	}
}

func on(user id.UserID, device id.DeviceID) matrix.Principal {
	return matrix.Principal{User: user, Device: device}
}

// room makes a room of ada's that the others join.
func (h *house) room(others ...id.UserID) id.RoomID {
	h.Helper()
	room, err := h.rooms.Create(h.Context(), on(ada, "PHONE"), rooms.CreateRequest{Preset: "public_chat"})
	h.must(err)
	for _, user := range others {
		h.must(h.rooms.Join(h.Context(), on(user, "PHONE"), rooms.MemberChange{Room: room}))
	}
	return room
}

// signer is a private key and the name under which it signs.
type signer struct {
	user id.UserID
	name string // without the algorithm
	key  ed25519.PrivateKey
}

func newSigner(user id.UserID, name string) signer {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	s := signer{user, name, key}
	if name == "" {
		s.name = s.public()
	}
	return s
}

func (s signer) public() string {
	return base64.RawStdEncoding.EncodeToString(s.key.Public().(ed25519.PublicKey))
}

// sign returns obj with a signature added.
func (s signer) sign(obj map[string]any) map[string]any {
	bare := map[string]any{}
	for k, v := range obj {
		if k != "signatures" && k != "unsigned" {
			bare[k] = v
		}
	}
	raw, err := json.Marshal(bare)
	if err != nil {
		panic(err)
	}
	canonical, err := event.AppendCanonical(nil, raw, true)
	if err != nil {
		panic(err)
	}
	sig := base64.RawStdEncoding.EncodeToString(ed25519.Sign(s.key, canonical))
	bare["signatures"] = map[string]any{string(s.user): map[string]any{"ed25519:" + s.name: sig}}
	return bare
}

// device makes the identity keys of a device, signed by itself.
func device(user id.UserID, name id.DeviceID) (signer, map[string]any) {
	s := newSigner(user, string(name))
	return s, s.sign(map[string]any{
		"user_id": user, "device_id": name, "algorithms": []string{"m.olm.v1.curve25519-aes-sha2"},
		"keys": map[string]string{"ed25519:" + string(name): s.public(), "curve25519:" + string(name): s.public()},
	})
}

func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// upload gives a device identity keys.
func (h *house) upload(user id.UserID, name id.DeviceID) (signer, map[string]any) {
	h.Helper()
	s, keys := device(user, name)
	_, err := h.Upload(h.Context(), on(user, name), e2ee.Upload{Device: raw(keys)})
	h.must(err)
	return s, keys
}

// oneTime makes n one-time keys, numbered from first on.
func oneTime(first, n int) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for i := first; i < first+n; i++ {
		out[fmt.Sprintf("signed_curve25519:%06d", i)] = raw(map[string]any{"key": fmt.Sprint(i)})
	}
	return out
}

// changes tells what sync would.
func (h *house) changes(user id.UserID, since matrix.Position) (changed, left []id.UserID) {
	h.Helper()
	changed, left, err := h.Changes(h.Context(), user, since, h.db.Committed())
	h.must(err)
	return changed, left
}

func (h *house) wantChanges(user id.UserID, since matrix.Position, changed, left []id.UserID) {
	h.Helper()
	gotChanged, gotLeft := h.changes(user, since)
	if !slices.Equal(gotChanged, changed) || !slices.Equal(gotLeft, left) {
		h.Errorf("%s: changed %v, left %v; want %v and %v", user, gotChanged, gotLeft, changed, left)
	}
}
