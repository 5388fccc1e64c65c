package homeserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// certificates checks the certificate files.
func (k *checkup) certificates(now time.Time) {
	const subject = "certificate"
	files := k.cfg.TLS
	if files.Certificate == "" {
		return
	}
	info, err := os.Stat(files.Key)
	if err == nil && open(info) {
		k.problem(subject, "other users of this machine can read the key %s. Close it: chmod 600 %s", files.Key, files.Key)
	}
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		k.problem(subject, "%s and %s cannot be used: %v.", files.Certificate, files.Key, err)
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		k.problem(subject, "%s cannot be read: %v.", files.Certificate, err)
		return
	}
	until := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case now.After(leaf.NotAfter):
		k.problem(subject, "it expired on %s. Renew it.", until)
	case now.Before(leaf.NotBefore):
		k.problem(subject, "it is not valid before %s. Is the clock right?", leaf.NotBefore.UTC().Format(time.DateTime))
	case leaf.VerifyHostname(publicHost(k.cfg)) != nil:
		k.problem(subject, "it is not for %s, the name that clients ask for.", publicHost(k.cfg))
	default:
		k.ok(subject, "for %s, valid until %s", publicHost(k.cfg), until)
	}
}

// ports checks that the addresses can be listened on.
func (k *checkup) ports() {
	for _, l := range []struct {
		setting   string
		addresses []string
	}{
		{"listen.client", k.cfg.Listen.Client},
		{"listen.client_tls", k.cfg.Listen.ClientTLS},
		{"listen.federation", k.cfg.Listen.Federation},
		{"listen.metrics", nonEmpty(k.cfg.Listen.Metrics)},
	} {
		for _, address := range l.addresses {
			k.port(l.setting, address)
		}
	}
}

func (k *checkup) port(setting, address string) {
	const subject = "port"
	ln, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		if err := ln.Close(); err != nil {
			k.problem(subject, "%s: %v.", address, err)
			return
		}
		k.ok(subject, "%s is free", address)
	case errors.Is(err, syscall.EADDRINUSE):
		k.problem(subject, "%s is taken by another program. Stop that one, or choose another port in %s.", address, setting)
	case errors.Is(err, syscall.EACCES):
		k.problem(subject, "this user may not listen on %s. Ports below 1024 need a permission, see docs/operations.md.", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		k.problem(subject, "this machine does not have the address in %s. Look at %s.", address, setting)
	default:
		k.problem(subject, "%s in %s cannot be listened on: %v.", address, setting, err)
	}
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
