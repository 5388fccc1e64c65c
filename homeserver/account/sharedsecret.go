package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // which the programs that use this expect
	"encoding/hex"
	"sync"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
)

// SharedRegistration asks for an account with a secret that the server shares
// with a program.
type SharedRegistration struct {
	Nonce       string
	Name        string
	Password    string
	DisplayName string
	Admin       bool
	UserType    string // part of what is signed, if it is there; means nothing here
	MAC         string // in hexadecimal
	Device      NewDevice
}

// HasSharedSecret reports whether programs can open accounts.
func (a *Accounts) HasSharedSecret() bool { return a.opt.SharedSecret != "" }

// Nonce returns what the next request of a program has to contain.
func (a *Accounts) Nonce() string { return a.nonces.issue() }

// RegisterShared opens an account for a program and signs in.
func (a *Accounts) RegisterShared(ctx context.Context, r SharedRegistration) (s Session, err error) {
	defer matrix.Wrap(&err, "register by shared secret")
	if !a.HasSharedSecret() {
		return s, matrix.Errorf(matrix.Forbidden, "Programs cannot open accounts on this server.")
	}
	if !a.nonces.take(r.Nonce) {
		return s, matrix.Errorf(matrix.Unknown, "The nonce is not known, was used or is too old.")
	}
	if got, err := hex.DecodeString(r.MAC); err != nil || !hmac.Equal(got, a.sign(r)) {
		return s, matrix.Errorf(matrix.Forbidden, "The HMAC is wrong.")
	}
	if err := r.Device.check(); err != nil {
		return s, err
	}
	n := newAccount{Name: r.Name, Password: r.Password, Display: r.DisplayName, Admin: r.Admin}
	if n.Name == "" {
		return s, matrix.Errorf(matrix.InvalidUsername, "The account needs a name.")
	}
	return a.open(ctx, n, func(tx *storage.Tx, user id.UserID) (Session, error) {
		return a.signIn(ctx, tx, user, r.Device)
	})
}

// sign returns what proves that r comes from somebody who has the secret.
func (a *Accounts) sign(r SharedRegistration) []byte {
	role := "notadmin"
	if r.Admin {
		role = "admin"
	}
	parts := []string{r.Nonce, r.Name, r.Password, role}
	if r.UserType != "" {
		parts = append(parts, r.UserType)
	}
	mac := hmac.New(sha1.New, []byte(a.opt.SharedSecret))
	for i, part := range parts {
		if i > 0 {
			mac.Write([]byte{0})
		}
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

const (
	nonceLife = time.Minute
	maxNonces = 1000
)

// nonces are numbers that can be used once, soon.
type nonces struct {
	now func() time.Time

	mu     sync.Mutex
	issued map[string]time.Time
	order  []string // of issued, with those that were taken
}

func newNonces(now func() time.Time) *nonces {
	return &nonces{now: now, issued: map[string]time.Time{}}
}

func (n *nonces) issue() string {
	nonce := rand.Text()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.order) >= maxNonces {
		delete(n.issued, n.order[0])
		n.order = n.order[1:]
	}
	n.issued[nonce] = n.now()
	n.order = append(n.order, nonce)
	return nonce
}

func (n *nonces) take(nonce string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	at, ok := n.issued[nonce]
	delete(n.issued, nonce)
	return ok && n.now().Sub(at) < nonceLife
}
