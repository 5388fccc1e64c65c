package webpush

import (
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
)

const authLen = 16 // bytes of the secret of a subscription

// Errors of subscriptions.
var (
	ErrKey  = errors.New("webpush: the key is not a point on the curve P-256, uncompressed and in URL-safe Base64")
	ErrAuth = errors.New("webpush: the secret is not 16 bytes in URL-safe Base64")
	ErrURL  = errors.New("webpush: the address is not one of a push server")
)

// Subscription is where a browser or phone takes messages, and how they are
// written for it.
type Subscription struct {
	url  *url.URL
	key  *ecdh.PublicKey
	auth []byte
}

// Subscribe makes a Subscription of what a browser has given out: an address,
// its public key (p256dh) and its secret (auth). Real push servers have https;
// the caller sees to that.
func Subscribe(address, key, auth string) (*Subscription, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, ErrURL
	}
	s := &Subscription{url: u}
	point, err := decode(key)
	if err != nil {
		return nil, ErrKey
	}
	if s.key, err = ecdh.P256().NewPublicKey(point); err != nil {
		return nil, ErrKey
	}
	if s.auth, err = decode(auth); err != nil || len(s.auth) != authLen {
		return nil, ErrAuth
	}
	return s, nil
}

// decode reads Base64 as browsers write it; some do so with padding.
func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
}
