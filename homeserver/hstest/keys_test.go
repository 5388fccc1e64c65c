package hstest_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"plenum/rooms/event"
)

// deviceKeys makes identity keys for a device, signed by itself.
func deviceKeys(t testing.TB, user, device any) map[string]any {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	name, key := fmt.Sprint("ed25519:", device), base64.RawStdEncoding.EncodeToString(public)
	keys := map[string]any{
		"user_id": user, "device_id": device, "algorithms": []string{"m.olm.v1.curve25519-aes-sha2"},
		"keys": map[string]string{name: key, fmt.Sprint("curve25519:", device): key},
	}
	canonical, err := event.AppendCanonical(nil, inJSON(t, keys), true)
	if err != nil {
		t.Fatal(err)
	}
	sig := base64.RawStdEncoding.EncodeToString(ed25519.Sign(private, canonical))
	keys["signatures"] = map[string]any{fmt.Sprint(user): map[string]string{name: sig}}
	return keys
}

func inJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
