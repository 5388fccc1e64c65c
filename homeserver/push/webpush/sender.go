package webpush

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// tokenLife is how long a token is good for; a day would be the most.
const tokenLife = 12 * time.Hour

// Sender is who writes messages: push servers know it by its key.
type Sender struct {
	public  string
	signer  jose.Signer
	contact string
}

// NewKey makes a key for a Sender.
func NewKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

// NewSender returns the Sender with a key of NewKey. contact is where those who
// run push servers can reach whoever runs this one: an address that begins
// with https: or mailto:.
func NewSender(key []byte, contact string) (*Sender, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("webpush: the key is not one of P-256")
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, (&jose.SignerOptions{}).WithType("JWT"))
	return &Sender{base64.RawURLEncoding.EncodeToString(point), signer, contact}, err
}

// PublicKey is what browsers are told when they subscribe, as they want it.
func (s *Sender) PublicKey() string { return s.public }

// Urgency is whether a phone that saves power is woken for a message.
type Urgency string

// The urgencies in use.
const (
	Normal Urgency = "normal"
	High   Urgency = "high"
)

// Message is what is to be brought to a subscription.
type Message struct {
	To      *Subscription
	Text    []byte
	Urgency Urgency
	Life    time.Duration // of no use after that
}

// Request makes the request that brings a message to its push server.
func (s *Sender) Request(ctx context.Context, m Message, now time.Time) (*http.Request, error) {
	body, err := m.To.Encrypt(m.Text)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.To.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	auth, err := s.authorization(m.To, now)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Authorization":    auth,
		"Content-Encoding": "aes128gcm",
		"Content-Type":     "application/octet-stream",
		"TTL":              strconv.FormatInt(int64(m.Life/time.Second), 10),
		"Urgency":          string(m.Urgency),
	} {
		req.Header.Set(name, value)
	}
	return req, nil
}

// authorization says who asks (RFC 8292).
func (s *Sender) authorization(to *Subscription, now time.Time) (string, error) {
	token, err := jwt.Signed(s.signer).Claims(jwt.Claims{
		Audience: jwt.Audience{to.url.Scheme + "://" + to.url.Host},
		Expiry:   jwt.NewNumericDate(now.Add(tokenLife)),
		Subject:  s.contact,
	}).Serialize()
	return "vapid t=" + token + ", k=" + s.public, err
}
