package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

const (
	saltLen    = 16
	recordSize = 4096
	// MaxMessage is how many bytes a message may have, so that every push
	// server takes it: 4,096 bytes with everything around it.
	MaxMessage = 3993
	// step is what messages are padded to, so that their length tells little.
	step = 1024
)

// ErrTooLong is returned for a message of more than MaxMessage bytes.
var ErrTooLong = errors.New("webpush: the message is too long")

// Encrypt writes a message that only the holder of the subscription can read.
func (s *Subscription) Encrypt(message []byte) ([]byte, error) {
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails
	return s.seal(message, own, salt, padding(len(message)))
}

// padding is how many zeros follow a message of n bytes.
func padding(n int) int {
	return max(0, min((n/step+1)*step-1, MaxMessage)-n)
}

// seal is Encrypt with what is otherwise random. It is the content coding
// aes128gcm (RFC 8188) with keys as in RFC 8291, section 3.4.
func (s *Subscription) seal(message []byte, own *ecdh.PrivateKey, salt []byte, pad int) ([]byte, error) {
	if len(message) > MaxMessage {
		return nil, ErrTooLong
	}
	key, nonce, err := s.keys(own, salt)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	ownKey := own.PublicKey().Bytes()
	out := append(make([]byte, 0, recordSize), salt...)
	out = binary.BigEndian.AppendUint32(out, recordSize)
	out = append(out, byte(len(ownKey)))
	out = append(out, ownKey...)
	const last = 2 // delimiter of the last record
	record := append(append(make([]byte, 0, len(message)+1+pad), message...), last)
	record = append(record, make([]byte, pad)...)
	return gcm.Seal(out, nonce, record, nil), nil
}

// keys derives the key and the nonce of a message.
func (s *Subscription) keys(own *ecdh.PrivateKey, salt []byte) (key, nonce []byte, err error) {
	shared, err := own.ECDH(s.key)
	if err != nil {
		return nil, nil, err
	}
	info := "WebPush: info\x00" + string(s.key.Bytes()) + string(own.PublicKey().Bytes())
	secret, err := hkdf.Key(sha256.New, shared, s.auth, info, sha256.Size)
	if err != nil {
		return nil, nil, err
	}
	if key, err = hkdf.Key(sha256.New, secret, salt, "Content-Encoding: aes128gcm\x00", 16); err != nil {
		return nil, nil, err
	}
	nonce, err = hkdf.Key(sha256.New, secret, salt, "Content-Encoding: nonce\x00", 12)
	return key, nonce, err
}
