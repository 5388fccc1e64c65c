package listen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// config returns what all HTTPS has in common.
func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: get,
	}
}

// always presents one certificate.
func always(c *tls.Certificate) *tls.Config {
	return config(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c, nil })
}

// SelfSigned returns a certificate for name that nobody has reason to trust.
// It is for tests whose clients do not look.
func SelfSigned(name string) (*tls.Config, error) {
	template, key, err := draft(name)
	if err != nil {
		return nil, err
	}
	c, err := issue(template, template, key, key)
	if err != nil {
		return nil, err
	}
	return always(c), nil
}

// TestCA returns a certificate for name, signed by the authority whose
// certificate and key are the files ca.crt and ca.key in dir, and a pool that
// trusts this authority beside those of the system. Suites that start several
// servers give them all the same one.
func TestCA(dir, name string) (*tls.Config, *x509.CertPool, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"))
	if err != nil {
		return nil, nil, fmt.Errorf("the test authority: %w", err)
	}
	template, key, err := draft(name)
	if err != nil {
		return nil, nil, err
	}
	c, err := issue(template, pair.Leaf, key, pair.PrivateKey)
	if err != nil {
		return nil, nil, err
	}
	c.Certificate = append(c.Certificate, pair.Certificate...)
	trusted, err := x509.SystemCertPool()
	if err != nil {
		trusted = x509.NewCertPool() // a system without any
	}
	trusted.AddCert(pair.Leaf)
	return always(c), trusted, nil
}

// draft returns what a certificate for name says, and a key for it. It is
// also good for this machine. name may be a server name with a port.
func draft(name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	host := hostOf(name)
	c := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: host},
		NotBefore:    time.Now().Add(-time.Hour), // for a clock that is behind
		NotAfter:     time.Now().AddDate(0, 1, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		c.IPAddresses = append(c.IPAddresses, ip)
	} else if host != "localhost" {
		c.DNSNames = append(c.DNSNames, host)
	}
	return c, key, nil
}

// hostOf returns a server name without its port, and without the brackets of
// an IPv6 address.
func hostOf(name string) string {
	if host, _, err := net.SplitHostPort(name); err == nil {
		return host
	}
	if n := len(name); n > 2 && name[0] == '[' && name[n-1] == ']' {
		return name[1 : n-1]
	}
	return name
}

// issue signs a certificate for key.
func issue(template, parent *x509.Certificate, key *ecdsa.PrivateKey, signer any) (*tls.Certificate, error) {
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(raw)
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, err
}

// sameFile is what tells that a file has not changed.
type sameFile struct {
	size    int64
	changed time.Time
}

func lookAt(path string) (sameFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return sameFile{}, err
	}
	return sameFile{info.Size(), info.ModTime()}, nil
}
