package listen

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// save writes a new certificate to files.
func save(t *testing.T, certificate, key string) (serial string) {
	t.Helper()
	template, private, err := draft("one.example")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := issue(template, template, private, private)
	if err != nil {
		t.Fatal(err)
	}
	saveCertificate(t, certificate, pair)
	saveKey(t, key, pair)
	return pair.Leaf.SerialNumber.String()
}

func saveCertificate(t *testing.T, path string, pair *tls.Certificate) {
	t.Helper()
	writeFile(t, path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
}

func saveKey(t *testing.T, path string, pair *tls.Certificate) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// writeFile writes a file that is newer than the one before, whatever the
// resolution of the file system's clock.
func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	newer := time.Now()
	if info, err := os.Stat(path); err == nil {
		newer = info.ModTime().Add(time.Second)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, newer, newer); err != nil {
		t.Fatal(err)
	}
}

func TestRenewedFilesAreNoticed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var said strings.Builder
	now := time.Now()
	f := &files{
		certificate: filepath.Join(dir, "crt"), key: filepath.Join(dir, "key"),
		log: slog.New(slog.NewTextHandler(&said, nil)), now: func() time.Time { return now },
	}
	presents := func(serial string) {
		t.Helper()
		c, err := f.get(nil)
		if err != nil || c.Leaf.SerialNumber.String() != serial {
			t.Errorf("presents %s, %v; want %s", c.Leaf.SerialNumber, err, serial)
		}
	}
	first := save(t, f.certificate, f.key)
	if err := f.load(); err != nil {
		t.Fatal(err)
	}
	second := save(t, f.certificate, f.key)
	presents(first) // nobody has looked yet
	now = now.Add(lookEvery)
	presents(second)

	// In the middle of a renewal the key does not fit yet. It is said once.
	third := save(t, f.certificate, filepath.Join(dir, "later"))
	for range 3 {
		now = now.Add(lookEvery)
		presents(second)
	}
	if n := strings.Count(said.String(), "level=WARN"); n != 1 {
		t.Errorf("said %d times: %s", n, said.String())
	}
	if err := os.Rename(filepath.Join(dir, "later"), f.key); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery)
	presents(third)

	if err := os.Remove(f.key); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery)
	presents(third)
}
