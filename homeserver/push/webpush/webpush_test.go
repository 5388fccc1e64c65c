package webpush

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"crypto/ecdsa"
	"crypto/elliptic"
)

// The example of RFC 8291, section 5.
const (
	address   = "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV"
	message   = "When I grow up, I want to be a watermelon"
	ownKey    = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
	theirKey  = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	auth      = "BTBZMqHH6r4Tts7J_aSIgg"
	salt      = "DGv6ra1nlYgDCS1FRnbzlw"
	encrypted = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestExampleOfTheStandard(t *testing.T) {
	t.Parallel()
	s := must[*Subscription](t)(Subscribe(address, theirKey, auth))
	own := must[*ecdh.PrivateKey](t)(ecdh.P256().NewPrivateKey(must[[]byte](t)(decode(ownKey))))
	got := must[[]byte](t)(s.seal([]byte(message), own, must[[]byte](t)(decode(salt)), 0))
	if text := base64.RawURLEncoding.EncodeToString(got); text != encrypted {
		t.Errorf("got  %s\nwant %s", text, encrypted)
	}
}

// Whatever the length of a message, it is sent as one of few lengths, and is
// never more than push servers have to take.
func TestLengths(t *testing.T) {
	t.Parallel()
	s := must[*Subscription](t)(Subscribe(address, theirKey, auth))
	lengths := map[int]bool{}
	for n := 0; n <= MaxMessage; n += 11 {
		lengths[len(must[[]byte](t)(s.Encrypt(make([]byte, n))))] = true
	}
	longest := len(must[[]byte](t)(s.Encrypt(make([]byte, MaxMessage))))
	if lengths[longest] = true; len(lengths) != 4 || longest != 4096 {
		t.Errorf("lengths %v, the longest %d", lengths, longest)
	}
	if _, err := s.Encrypt(make([]byte, MaxMessage+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if bytes.Equal(must[[]byte](t)(s.Encrypt(nil)), must[[]byte](t)(s.Encrypt(nil))) {
		t.Error("twice the same")
	}
}

func TestWrongSubscriptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address, key, auth string
		want               error
	}{
		{address, theirKey + "=", auth + "==", nil},
		{"ftp://push.example.net/x", theirKey, auth, ErrURL},
		{"https:///x", theirKey, auth, ErrURL},
		{"https://a:b@push.example.net/x", theirKey, auth, ErrURL},
		{address, "", auth, ErrKey},
		{address, strings.Replace(theirKey, "BCV", "BCW", 1), auth, ErrKey}, // not on the curve
		{address, "not Base64!", auth, ErrKey},
		{address, theirKey, "", ErrAuth},
		{address, theirKey, auth + "AA", ErrAuth},
	} {
		if _, err := Subscribe(c.address, c.key, c.auth); !errors.Is(err, c.want) {
			t.Errorf("%q %q %q: %v, want %v", c.address, c.key, c.auth, err, c.want)
		}
	}
}

// Push servers learn who asks by a token that they check with the key beside it.
func TestTokens(t *testing.T) {
	t.Parallel()
	key := must[[]byte](t)(NewKey())
	sender := must[*Sender](t)(NewSender(key, "https://one.example"))
	s := must[*Subscription](t)(Subscribe(address, theirKey, auth))
	now := time.Unix(1_800_000_000, 0)
	req, err := sender.Request(t.Context(), Message{To: s, Text: []byte("x"), Urgency: High, Life: time.Hour}, now)
	if err != nil {
		t.Fatal(err)
	}
	if h := req.Header; h.Get("TTL") != "3600" || h.Get("Urgency") != "high" || h.Get("Content-Encoding") != "aes128gcm" || req.URL.String() != address {
		t.Errorf("request to %s with %v", req.URL, h)
	}
	token, public, ok := strings.Cut(strings.TrimPrefix(req.Header.Get("Authorization"), "vapid t="), ", k=")
	if known := sender.PublicKey(); !ok || public != known {
		t.Fatalf("key %s, want %s", public, known)
	}
	point := must[[]byte](t)(decode(public))
	parsed, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	signed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err == nil {
		err = signed.Claims(parsed, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := claims.Validate(jwt.Expected{AnyAudience: jwt.Audience{"https://push.example.net"}, Subject: "https://one.example", Time: now.Add(tokenLife - time.Minute)}); err != nil {
		t.Error(err)
	}
	if claims.Expiry.Time().Sub(now) > 24*time.Hour {
		t.Error("push servers refuse tokens that last longer than a day")
	}
}

func FuzzSubscribe(f *testing.F) {
	f.Add(address, theirKey, auth)
	f.Add("https://[::1", "AAAA", "====")
	f.Fuzz(func(t *testing.T, address, key, auth string) {
		s, err := Subscribe(address, key, auth)
		if err != nil {
			return
		}
		if _, err := s.Encrypt([]byte(message)); err != nil {
			t.Error(err)
		}
	})
}
