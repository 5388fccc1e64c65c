package homeserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plenum/config"
)

// writeCertificate writes a certificate for name and its key into dir.
func writeCertificate(t *testing.T, dir, name string, from, until time.Time) config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: from, NotAfter: until}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := config.TLS{Certificate: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	for path, block := range map[string]*pem.Block{
		files.Certificate: {Type: "CERTIFICATE", Bytes: raw},
		files.Key:         {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// said returns what was found about a subject, with the mark of a problem.
func (k *checkup) said(subject string) string {
	var all []string
	for _, f := range k.found {
		if f.Subject == subject && f.Problem {
			all = append(all, "PROBLEM "+f.Text)
		} else if f.Subject == subject {
			all = append(all, f.Text)
		}
	}
	return strings.Join(all, "\n")
}

func TestCheckCertificates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name        string
		from, until time.Duration
		mode        os.FileMode
		want        string
	}{
		{"one.example", -time.Hour, 48 * time.Hour, 0o600, "for one.example, valid until 2026-11-22"},
		{"one.example", -48 * time.Hour, -24 * time.Hour, 0o600, "PROBLEM it expired on 2026-11-19. Renew it."},
		{"one.example", time.Hour, 48 * time.Hour, 0o600, "PROBLEM it is not valid before 2026-11-20 13:00:00. Is the clock right?"},
		{"two.example", -time.Hour, 48 * time.Hour, 0o600, "PROBLEM it is not for one.example, the name that clients ask for."},
		{"one.example", -time.Hour, 48 * time.Hour, 0o644, "PROBLEM other users of this machine can read the key"},
	} {
		cfg := config.Default()
		cfg.ServerName = "one.example"
		cfg.TLS = writeCertificate(t, t.TempDir(), test.name, now.Add(test.from), now.Add(test.until))
		if err := os.Chmod(cfg.TLS.Key, test.mode); err != nil {
			t.Fatal(err)
		}
		k := &checkup{cfg: cfg}
		k.certificates(now)
		if got := k.said("certificate"); !strings.Contains(got, test.want) {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestCheckClock(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.DataFolder = t.TempDir()
	if err := os.Chtimes(cfg.DataFolder, made, made); err != nil {
		t.Fatal(err)
	}
	k := &checkup{cfg: cfg}
	k.clock(made.Add(time.Hour))
	if got := k.said("clock"); strings.Contains(got, "PROBLEM") {
		t.Errorf("right: %q", got)
	}
	k.clock(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC))
	if got := k.said("clock"); !strings.Contains(got, "PROBLEM it says 1970-01-01 00:00:00 UTC, but something here was written at") {
		t.Errorf("wrong: %q", got)
	}
}

func TestCheckMediaKey(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.DataFolder = t.TempDir()
	cfg.Media.KeyFile = filepath.Join(t.TempDir(), "media.key")
	if err := os.Mkdir(mediaFolder(cfg), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mediaFolder(cfg), "recipient"), []byte("age1"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &checkup{cfg: cfg}
	k.mediaKey()
	if got := k.said("media key"); !strings.Contains(got, "PROBLEM") || !strings.Contains(got, "Put it back from a copy") {
		t.Errorf("lost: %q", got)
	}
}

func TestCheckDataFolder(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.DataFolder = t.TempDir()
	for mode, want := range map[os.FileMode]string{0o700: cfg.DataFolder, 0o755: "PROBLEM other users of this machine can look into"} {
		if err := os.Chmod(cfg.DataFolder, mode); err != nil {
			t.Fatal(err)
		}
		k := &checkup{cfg: cfg}
		k.folder()
		if got := k.said("data folder"); !strings.Contains(got, want) || strings.HasPrefix(got, "PROBLEM") != strings.HasPrefix(want, "PROBLEM") {
			t.Errorf("%v: %q, want %q", mode, got, want)
		}
	}
}

func TestCheckBridges(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "irc.yaml")
	for text, problem := range map[string]bool{
		"{id: irc, as_token: a, hs_token: b, sender_localpart: irc}": false,
		"{id: irc, as_token: a, hs_token: a, sender_localpart: irc}": true,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		k := &checkup{cfg: config.Config{ServerName: "one.example", Bridges: config.Bridges{Registrations: []string{file}}}}
		k.bridges()
		if len(k.found) != 1 || k.found[0].Problem != problem || !strings.Contains(k.found[0].Subject, "bridge") {
			t.Errorf("%s: found %+v", text, k.found)
		}
	}
}
