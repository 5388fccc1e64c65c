package keyring

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"plenum/rooms/event"
)

// longestValidity is how long after it was fetched a key is good at most,
// whatever its server says.
//
// Spec: server-server-api#get_matrixkeyv2server
const longestValidity = 7 * 24 * time.Hour

// maxKeys is how many keys a server may have, old ones among them.
const maxKeys = 200

// maxKeyID is how long the name of a key may be.
const maxKeyID = 255

// answer is what a server says of its keys.
type answer struct {
	server     string
	keys       map[string]key
	validUntil int64 // by its own word, in milliseconds
	raw        json.RawMessage
}

// key is a key of a server.
type key struct {
	public     ed25519.PublicKey
	validUntil int64 // in milliseconds; what is signed later is not valid
}

// wireAnswer is an answer as it comes.
type wireAnswer struct {
	Server     string `json:"server_name"`
	ValidUntil int64  `json:"valid_until_ts"`
	Keys       map[string]struct {
		Key string `json:"key"`
	} `json:"verify_keys"`
	Old map[string]struct {
		Key     string `json:"key"`
		Expired int64  `json:"expired_ts"`
	} `json:"old_verify_keys"`
	Signatures map[string]map[string]string `json:"signatures"`
}

var (
	errServer    = errors.New("the keys are of another server")
	errTooMany   = errors.New("a server has too many keys")
	errNoKeys    = errors.New("the server has no key that has signed its answer")
	errSignature = errors.New("the signature of the answer is not valid")
)

// parse reads what server says of its keys. Keys that have not signed it are
// left out: nobody has shown that they are the server's.
func parse(server string, raw json.RawMessage, now time.Time) (answer, error) {
	var w wireAnswer
	if err := json.Unmarshal(raw, &w); err != nil {
		return answer{}, err
	}
	if w.Server != server {
		return answer{}, fmt.Errorf("%w: %q instead of %q", errServer, w.Server, server)
	}
	if len(w.Keys)+len(w.Old) > maxKeys {
		return answer{}, errTooMany
	}
	message, err := event.SignedBytes(raw)
	if err != nil {
		return answer{}, err
	}
	a := answer{server: server, keys: map[string]key{}, validUntil: w.ValidUntil, raw: raw}
	for name, k := range w.Keys {
		public, ok := publicKey(name, k.Key)
		if ok && verifies(public, message, w.Signatures[server][name]) {
			a.keys[name] = key{public, min(w.ValidUntil, now.Add(longestValidity).UnixMilli())}
		}
	}
	if len(a.keys) == 0 {
		return answer{}, errNoKeys
	}
	for name, k := range w.Old {
		public, ok := publicKey(name, k.Key)
		if _, current := a.keys[name]; ok && !current {
			a.keys[name] = key{public, min(k.Expired, now.UnixMilli())}
		}
	}
	return a, nil
}

// publicKey decodes a key of the one algorithm there is.
func publicKey(name, text string) (ed25519.PublicKey, bool) {
	raw, err := decode(text)
	return raw, err == nil && len(raw) == ed25519.PublicKeySize && strings.HasPrefix(name, "ed25519:") && len(name) <= maxKeyID
}

// decode reads base64, with or without padding.
func decode(text string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

func verifies(public ed25519.PublicKey, message []byte, signature string) bool {
	raw, err := decode(signature)
	return err == nil && len(raw) == ed25519.SignatureSize && ed25519.Verify(public, message, raw)
}

// sign adds the signature of this server to an object.
func sign(s *event.Signer, object []byte) (json.RawMessage, error) {
	message, err := event.SignedBytes(object)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		return nil, err
	}
	signatures := map[string]map[string]string{}
	if raw, ok := all["signatures"]; ok {
		if err := json.Unmarshal(raw, &signatures); err != nil {
			return nil, err
		}
	}
	if signatures[s.Server()] == nil {
		signatures[s.Server()] = map[string]string{}
	}
	signatures[s.Server()][s.KeyID()] = base64.RawStdEncoding.EncodeToString(s.Sign(message))
	if all["signatures"], err = json.Marshal(signatures); err != nil {
		return nil, err
	}
	signed, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return event.AppendCanonical(nil, signed, false)
}
