package peers_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"plenum/homeserver/peers"
	"plenum/homeserver/peers/keyring"
	"plenum/rooms/event"
	"plenum/storage"
	"plenum/storage/storagetest"
)

const (
	here  = "one.example"
	there = "two.example"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}}
	raw, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	return a
}

// certify returns a certificate for names.
func (a *authority) certify(t testing.TB, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// network is where servers are, over real connections within this machine.
type network struct {
	t  testing.TB
	ca *authority

	mu    sync.Mutex
	ports map[string]int // by host
}

func newNetwork(t testing.TB) *network {
	return &network{t: t, ca: newAuthority(t), ports: map[string]int{}}
}

// LookupSRV says at which port a host is.
func (n *network) LookupSRV(_ context.Context, service, _, host string) (string, []*net.SRV, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if port, ok := n.ports[host]; ok && service == "matrix-fed" {
		return "", []*net.SRV{{Target: host + ".", Port: uint16(port)}}, nil
	}
	return "", nil, &net.DNSError{Name: host, IsNotFound: true}
}

// LookupNetIP says that every host is this machine.
func (n *network) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

// serve puts a server into the network, with a certificate for names.
func (n *network) serve(server string, h http.Handler, names ...string) *httptest.Server {
	n.t.Helper()
	if len(names) == 0 {
		names = []string{server}
	}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{n.ca.certify(n.t, names...)}, NextProtos: []string{"h2", "http/1.1"}}
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	n.t.Cleanup(s.Close)
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports[server], _ = strconv.Atoi(port)
	return s
}

// options are those of a client in the network.
func (n *network) options() peers.Options {
	roots := x509.NewCertPool()
	roots.AddCert(n.ca.cert)
	return peers.Options{AllowPrivate: true, Roots: roots, DNS: n}
}

// server is one of ours.
type server struct {
	*peers.Client
	ring *keyring.Ring
	auth *peers.Auth
	db   *storage.DB
}

var noLog = slog.New(slog.DiscardHandler)

func newServer(t testing.TB, db *storage.DB, name string, opt peers.Options) *server {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	signer := event.NewSigner(name, "ed25519:a", ed25519.NewKeyFromSeed(seed))
	c, err := peers.New(t.Context(), db, signer, opt, noLog)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.New(db, signer, c, keyring.Options{Now: opt.Now}, noLog)
	if err != nil {
		t.Fatal(err)
	}
	return &server{c, ring, peers.NewAuth(c, ring), db}
}

// open is newServer on a database of its own.
func open(t testing.TB, name string, opt peers.Options) *server {
	t.Helper()
	return newServer(t, storagetest.Open(t, storage.SQLite), name, opt)
}

// ServeHTTP tells the keys, and of every other request who has made it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/_matrix/key/v2/server" {
		own, _ := s.ring.Own()
		_, _ = w.Write(own)
		return
	}
	body, _ := io.ReadAll(r.Body)
	origin, err := s.auth.AuthenticateServer(r.Context(), r, body)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"errcode": "M_UNAUTHORIZED", "error": err.Error()})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"room_id": "!r:" + origin, "servers": []string{origin, r.Host, "not a name"}})
}

// answer answers everything with a status and a body.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}
