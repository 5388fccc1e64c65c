package listen_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"plenum/homeserver/listen"
)

func newRegistry(t *testing.T) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "plenum_test_total"})
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	c.Add(3)
	return r
}

// authority writes the files of a test authority, or of any certificate.
func authority(t *testing.T, certificate, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "Test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateOfTestAuthority(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"one.example", "hs1:8448", "localhost", "192.0.2.7", "[2001:db8::1]:8448", "[2001:db8::1]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			authority(t, filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"), 1)
			config, trusted, err := listen.TestCA(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, listen.Options{}, listen.Address{Listen: "127.0.0.1:0", TLS: config, Handler: hello})
			host := map[string]string{"hs1:8448": "hs1", "[2001:db8::1]:8448": "2001:db8::1", "[2001:db8::1]": "2001:db8::1"}[name]
			if host == "" {
				host = name
			}
			for _, asked := range []string{host, "localhost", "127.0.0.1", "::1"} {
				c := client(&tls.Config{RootCAs: trusted, ServerName: asked})
				if got := get(t, c, "https://127.0.0.1:"+s.port(0)); got != "HTTP/2.0" {
					t.Errorf("as %s: %q", asked, got)
				}
			}
			if _, err := try(t, client(&tls.Config{RootCAs: trusted, ServerName: "two.example"}), "https://127.0.0.1:"+s.port(0)); err == nil {
				t.Error("good for two.example too")
			}
			if _, err := try(t, client(&tls.Config{ServerName: host}), "https://127.0.0.1:"+s.port(0)); err == nil {
				t.Error("good for who does not know the authority")
			}
		})
	}
	if _, _, err := listen.TestCA(t.TempDir(), "one.example"); err == nil {
		t.Error("an authority without files")
	}
}

// client makes a client with connections of its own.
func client(c *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, ForceAttemptHTTP2: true}}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	config, err := listen.SelfSigned("one.example")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, listen.Options{}, listen.Address{Listen: "127.0.0.1:0", TLS: config, Handler: hello})
	for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c := client(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version})
		if _, err := try(t, c, "https://127.0.0.1:"+s.port(0)); (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestMissingFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	crt, key := filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	log := slog.New(slog.DiscardHandler)
	if _, err := listen.Files(crt, key, log); err == nil {
		t.Error("no files")
	}
	authority(t, crt, key, 1)
	if _, err := listen.Files(crt, key, log); err != nil {
		t.Error(err)
	}
	authority(t, filepath.Join(dir, "other"), key, 2)
	if _, err := listen.Files(crt, key, log); err == nil {
		t.Error("files that do not belong together")
	}
}
