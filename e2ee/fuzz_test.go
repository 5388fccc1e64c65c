package e2ee

import (
	"bytes"
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage/devicekeys"
)

// FuzzDeviceKeys reads identity keys as devices upload them. What is accepted
// is accepted again in the form in which it is stored, and unchanged.
func FuzzDeviceKeys(f *testing.F) {
	for _, seed := range []string{
		`{"user_id":"@ada:one.example","device_id":"PHONE","algorithms":[],"keys":{},"signatures":{}}`,
		`{"user_id":"@ada:one.example","device_id":"PHONE","algorithms":["x"],"keys":{"ed25519:PHONE":"AAAA"},"signatures":{"@ada:one.example":{"ed25519:PHONE":"AAAA"}},"unsigned":{"a":1}}`,
		`{"user_id":"@ada:one.example","user_id":"@bob:one.example","device_id":"PHONE"}`,
		`{"signatures":{"@ada:one.example":7}}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(seed))
	}
	who := matrix.Principal{User: "@ada:one.example", Device: "PHONE"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		stored, err := checkDevice(who, raw)
		if err != nil {
			return
		}
		again, err := checkDevice(who, stored)
		if err != nil || !bytes.Equal(stored, again) {
			t.Errorf("%q is stored as %q, and that as %q: %v", raw, stored, again, err)
		}
		signed := sign(stored, []devicekeys.Signature{{Target: "PHONE", Signer: "@bob:one.example", KeyID: "ed25519:x", Signature: "s"}})
		if signaturesOf(signed)["@bob:one.example"]["ed25519:x"] != "s" || !sameUnsigned(stored, signed) {
			t.Errorf("%q signed is %q", stored, signed)
		}
	})
}

// FuzzCrossSigningKey reads cross-signing keys.
func FuzzCrossSigningKey(f *testing.F) {
	const key = "lzDJNtdlX9tHvMoF2QUW5VbEq8jMCWBJPjq0hyTZh7Q"
	for _, seed := range []string{
		`{"user_id":"@ada:one.example","usage":["master"],"keys":{"ed25519:` + key + `":"` + key + `"}}`,
		`{"user_id":"@ada:one.example","usage":["master"],"keys":{"ed25519:x":"x"}}`,
		`{"user_id":"@ada:one.example","usage":"master","keys":[]}`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, err := parseCross("@ada:one.example", devicekeys.Master, raw)
		if err != nil {
			return
		}
		again, err := parseCross("@ada:one.example", devicekeys.Master, k.JSON)
		if err != nil || again.Key != k.Key || !bytes.Equal(again.JSON, k.JSON) {
			t.Errorf("%q is %+v, and that %+v: %v", raw, k, again, err)
		}
	})
}

// FuzzOneTimeKeys reads one-time keys by their names.
func FuzzOneTimeKeys(f *testing.F) {
	for _, seed := range []string{
		`{"signed_curve25519:A":{"key":"x","signatures":{}}}`, `{"curve25519:A":"x"}`, `{"":1}`, `{":":""}`, `{"a:":[]}`, `{"a:b:c":"d"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var keys map[string]json.RawMessage
		if json.Unmarshal(raw, &keys) != nil {
			return
		}
		list, err := parseOneTime(keys)
		if err != nil {
			return
		}
		if len(list) != len(keys) {
			t.Errorf("%q is %d keys, want %d", raw, len(list), len(keys))
		}
		for _, k := range list {
			if !bytes.Equal(keys[k.Algorithm+":"+k.ID], k.JSON) {
				t.Errorf("%q became %+v", raw, k)
			}
		}
	})
}

// FuzzDehydrated reads devices that are put away.
func FuzzDehydrated(f *testing.F) {
	f.Add("ID", "name", []byte(`{"algorithm":"x"}`))
	f.Add("", "", []byte(`[]`))
	f.Add("ID", "\xff", []byte(`{"algorithm":7}`))
	f.Fuzz(func(t *testing.T, device, name string, data []byte) {
		d := Device{ID: id.DeviceID(device), Name: name, Data: data, Keys: Upload{Device: []byte(`{}`)}}
		if err := d.check(); err != nil && !isRefusal(err) {
			t.Errorf("%+v: %v", d, err)
		}
	})
}

func isRefusal(err error) bool {
	for _, code := range []matrix.Code{matrix.InvalidParam, matrix.BadJSON, matrix.TooLarge, matrix.MissingParam} {
		if matrix.IsCode(err, code) {
			return true
		}
	}
	return false
}
