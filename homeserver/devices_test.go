package homeserver_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/tidwall/gjson"

	"plenum/homeserver/hstest"
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

// oneTimeKeys makes one-time keys with these names.
func oneTimeKeys(names ...string) map[string]any {
	keys := map[string]any{}
	for _, name := range names {
		keys["signed_curve25519:"+name] = map[string]any{"key": name}
	}
	return keys
}

// devicesOf returns the devices of other whose keys c finds.
func devicesOf(c *hstest.Client, other any) []string {
	answer := c.Post(v3+"/keys/query", hstest.More{"device_keys": hstest.More{fmt.Sprint(other): []string{}}})
	var ids []string
	for id := range hstest.Part(answer, "device_keys", fmt.Sprint(other)).Map() {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// sendTo sends a message from device to device.
func sendTo(c *hstest.Client, txn string, user, device any, text string) {
	c.Put(hstest.Path(v3, "sendToDevice", "m.test", txn), hstest.More{"messages": hstest.More{
		fmt.Sprint(user): hstest.More{fmt.Sprint(device): hstest.More{"text": text}},
	}})
}

// texts are those of messages from device to device.
func texts(events gjson.Result) []string {
	out := []string{}
	for _, e := range events.Array() {
		out = append(out, e.Get("content.text").Str)
	}
	return out
}

func inJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
