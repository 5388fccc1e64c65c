package listen_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"plenum/homeserver/listen"
)

// issuer is an authority that speaks ACME, to one client that it trusts to
// have signed its requests. Where real ones look a name up, it knows where to
// look.
//
// Spec: RFC 8555, RFC 8737
type issuer struct {
	*httptest.Server
	pair      tls.Certificate // that signs
	challenge string          // the kind of proof that it wants
	place     string          // where the names are

	mu         sync.Mutex
	thumbprint string // of the client's key
	names      []string
	proven     bool
	issued     []byte
	count      int
	fault      error // what went wrong, to say it in the test
}

func newIssuer(t *testing.T, challenge string) *issuer {
	t.Helper()
	dir := t.TempDir()
	authority(t, filepath.Join(dir, "crt"), filepath.Join(dir, "key"), 1)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "crt"), filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	ca := &issuer{pair: pair, challenge: challenge}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /directory", ca.directory)
	mux.HandleFunc("HEAD /nonce", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /account", ca.account)
	mux.HandleFunc("POST /order", ca.order)
	mux.HandleFunc("POST /order/1", ca.order)
	mux.HandleFunc("POST /authorization/1", ca.authorization)
	mux.HandleFunc("POST /challenge/1", ca.prove)
	mux.HandleFunc("POST /finalize/1", ca.finalize)
	mux.HandleFunc("POST /certificate/1", ca.certificate)
	ca.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ca.mu.Lock()
		defer ca.mu.Unlock()
		ca.count++
		w.Header().Set("Replay-Nonce", strconv.Itoa(ca.count))
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(ca.Close)
	return ca
}

func (ca *issuer) answer(w http.ResponseWriter, status int, path string, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", ca.URL+path)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (ca *issuer) directory(w http.ResponseWriter, _ *http.Request) {
	ca.answer(w, 200, "/directory", map[string]string{"newNonce": ca.URL + "/nonce", "newAccount": ca.URL + "/account", "newOrder": ca.URL + "/order"})
}

// read decodes a request: its header, and what it says.
func (ca *issuer) read(r *http.Request, protected, payload any) {
	var jws struct{ Protected, Payload string }
	err := json.NewDecoder(r.Body).Decode(&jws)
	for encoded, v := range map[string]any{jws.Protected: protected, jws.Payload: payload} {
		if raw, bad := base64.RawURLEncoding.DecodeString(encoded); v != nil && len(raw) > 0 {
			err = errors.Join(err, bad, json.Unmarshal(raw, v))
		}
	}
	ca.fault = errors.Join(ca.fault, err)
}

func (ca *issuer) account(w http.ResponseWriter, r *http.Request) {
	var header struct {
		JWK struct{ Crv, Kty, X, Y string }
	}
	var wants struct{ TermsOfServiceAgreed bool }
	ca.read(r, &header, &wants)
	if !wants.TermsOfServiceAgreed {
		ca.fault = errors.Join(ca.fault, errors.New("the terms were not accepted"))
	}
	k := header.JWK
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, k.Crv, k.Kty, k.X, k.Y))
	ca.thumbprint = base64.RawURLEncoding.EncodeToString(sum[:])
	ca.answer(w, 201, "/account/1", map[string]string{"status": "valid"})
}

type name struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func (ca *issuer) order(w http.ResponseWriter, r *http.Request) {
	var wants struct{ Identifiers []name }
	ca.read(r, nil, &wants)
	status := 200
	if len(wants.Identifiers) > 0 {
		status, ca.names = 201, []string{wants.Identifiers[0].Value}
	}
	ca.state(w, status)
}

// state answers with the order as it is.
func (ca *issuer) state(w http.ResponseWriter, status int) {
	o := map[string]any{
		"status": "pending", "identifiers": []name{{"dns", ca.names[0]}},
		"authorizations": []string{ca.URL + "/authorization/1"}, "finalize": ca.URL + "/finalize/1",
	}
	if ca.proven {
		o["status"] = "ready"
	}
	if ca.issued != nil {
		o["status"], o["certificate"] = "valid", ca.URL+"/certificate/1"
	}
	ca.answer(w, status, "/order/1", o)
}

func (ca *issuer) pendingOrValid() string {
	if ca.proven {
		return "valid"
	}
	return "pending"
}

func (ca *issuer) authorization(w http.ResponseWriter, _ *http.Request) {
	ca.answer(w, 200, "/authorization/1", map[string]any{
		"status": ca.pendingOrValid(), "identifier": name{"dns", ca.names[0]}, "challenges": []any{ca.wanted()},
	})
}

func (ca *issuer) wanted() map[string]string {
	return map[string]string{"type": ca.challenge, "url": ca.URL + "/challenge/1", "token": "t0ken", "status": ca.pendingOrValid()}
}

// prove goes to where the names are and looks for the proof.
func (ca *issuer) prove(w http.ResponseWriter, _ *http.Request) {
	proof := "t0ken." + ca.thumbprint
	var err error
	if ca.challenge == "http-01" {
		err = ca.proveHTTP(proof)
	} else {
		err = ca.proveTLS(proof)
	}
	ca.proven, ca.fault = err == nil, errors.Join(ca.fault, err)
	ca.answer(w, 200, "/challenge/1", ca.wanted())
}

func (ca *issuer) proveHTTP(proof string) error {
	r, err := http.NewRequest("GET", "http://"+ca.place+"/.well-known/acme-challenge/t0ken", nil)
	if err != nil {
		return err
	}
	r.Host = ca.names[0]
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != proof {
		return fmt.Errorf("%s says %q, %w", ca.place, got, err)
	}
	return nil
}

func (ca *issuer) proveTLS(proof string) error {
	c, err := tls.Dial("tcp", ca.place, &tls.Config{ServerName: ca.names[0], NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	defer c.Close()
	want := sha256.Sum256([]byte(proof))
	for _, e := range c.ConnectionState().PeerCertificates[0].Extensions {
		var got []byte
		if e.Id.String() == "1.3.6.1.5.5.7.1.31" {
			if _, err := asn1.Unmarshal(e.Value, &got); err == nil && bytes.Equal(got, want[:]) {
				return nil
			}
		}
	}
	return errors.New("the certificate holds no proof")
}

func (ca *issuer) finalize(w http.ResponseWriter, r *http.Request) {
	var wants struct{ CSR string }
	ca.read(r, nil, &wants)
	der, err := base64.RawURLEncoding.DecodeString(wants.CSR)
	if err == nil {
		ca.issued, err = ca.sign(der)
	}
	ca.fault = errors.Join(ca.fault, err)
	ca.state(w, 200)
}

func (ca *issuer) sign(der []byte) ([]byte, error) {
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), DNSNames: csr.DNSNames,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 3, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	return x509.CreateCertificate(nil, template, ca.pair.Leaf, csr.PublicKey, ca.pair.PrivateKey)
}

func (ca *issuer) certificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/pem-certificate-chain")
	for _, der := range [][]byte{ca.issued, ca.pair.Certificate[0]} {
		_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
}

func TestAutomaticCertificates(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			ca := newIssuer(t, challenge)
			trust := x509.NewCertPool()
			trust.AddCert(ca.Certificate())

			var log journal
			secure, plain := freePort(t), freePort(t)
			opt := listen.ACME{
				Names: []string{"one.example"}, Folder: filepath.Join(t.TempDir(), "acme"), Agreed: true,
				Directory: ca.URL + "/directory", Port: secure, Trust: trust, Email: "admin@one.example", Log: slog.New(slog.NewTextHandler(&log, nil)),
			}
			auto, err := listen.NewAutomatic(opt)
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, listen.Options{},
				listen.Address{Listen: "127.0.0.1:" + strconv.Itoa(secure), TLS: auto.TLS(), Handler: hello},
				listen.Address{Listen: "127.0.0.1:" + strconv.Itoa(plain), Handler: auto.Challenges(hello)})
			ca.place = s.Addresses()[0].String()
			if challenge == "http-01" {
				ca.place = s.Addresses()[1].String()
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- auto.Run(ctx) }()

			roots := x509.NewCertPool()
			roots.AddCert(ca.pair.Leaf)
			c := client(&tls.Config{RootCAs: roots, ServerName: "one.example"})
			ca.reached(t, c, s)
			// Everything else on the plain address is the handler's.
			if got := get(t, &http.Client{}, "http://"+s.Addresses()[1].String()); got != "HTTP/1.1" {
				t.Errorf("plain: %q", got)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}

			if text := log.String(); strings.Count(text, "certificate obtained") != 1 || strings.Contains(text, "admin@") {
				t.Errorf("logged %s", text)
			}

			// The next start finds the certificate in the folder and asks nobody.
			info, err := os.Stat(opt.Folder)
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("others may read the folder: %v, %v", info.Mode(), err)
			}
			ca.Close()
			again, err := listen.NewAutomatic(opt)
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop = context.WithCancel(t.Context())
			go func() { ended <- again.Run(ctx) }()
			next := start(t, listen.Options{}, listen.Address{Listen: "127.0.0.1:0", TLS: again.TLS(), Handler: hello})
			ca.reached(t, c, next)
			stop()
			<-ended
		})
	}
}

// reached asks s again and again, until its certificate has come.
func (ca *issuer) reached(t *testing.T, c *http.Client, s *running) {
	t.Helper()
	for t.Context().Err() == nil {
		got, err := try(t, c, "https://"+s.Addresses()[0].String())
		if err == nil {
			if got != "HTTP/2.0" {
				t.Errorf("answered %q", got)
			}
			return
		}
		ca.mu.Lock()
		fault := ca.fault
		ca.mu.Unlock()
		if fault != nil {
			t.Fatal(fault)
		}
	}
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestAutomaticNeedsConsent(t *testing.T) {
	t.Parallel()
	if _, err := listen.NewAutomatic(listen.ACME{Names: []string{"one.example"}, Folder: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "terms") {
		t.Errorf("error %v", err)
	}
	if _, err := listen.NewAutomatic(listen.ACME{Agreed: true, Folder: t.TempDir()}); err == nil {
		t.Error("certificates for nobody")
	}
}
