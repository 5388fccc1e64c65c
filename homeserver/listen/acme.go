package listen

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/caddyserver/certmagic"
)

// ACME says which certificates to get from an authority on the internet, and
// from which.
type ACME struct {
	Names     []string // that certificates are for
	Folder    string   // for certificates, keys and the account; nobody else may read it
	Agreed    bool     // whether the administrator accepts the authority's terms
	Email     string   // where the authority may write; optional
	Directory string   // address of the authority; "" means Let's Encrypt

	// Port is where this server listens with the certificates. Connections to
	// port 443 must arrive there: by them the authority sees that the names
	// are ours. 0 means 443.
	Port int

	Trust *x509.CertPool // for speaking to the authority; nil means the system's
	Log   *slog.Logger
}

// Automatic gets certificates and renews them in time.
type Automatic struct {
	names  []string
	cache  *certmagic.Cache
	magic  *certmagic.Config
	issuer *certmagic.ACMEIssuer
}

// NewAutomatic prepares to get certificates; Run gets them.
func NewAutomatic(opt ACME) (*Automatic, error) {
	if !opt.Agreed {
		return nil, errors.New("certificates by ACME: the authority's terms must be accepted in the settings")
	}
	if len(opt.Names) == 0 {
		return nil, errors.New("certificates by ACME: no names to get them for")
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	log := bridge(opt.Log)
	a := &Automatic{names: opt.Names}
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.magic, nil },
		Logger:           log,
	})
	a.magic = certmagic.New(a.cache, certmagic.Config{
		DefaultServerName: opt.Names[0], // for who asks by address
		Storage:           &certmagic.FileStorage{Path: opt.Folder},
		Logger:            log,
		OnEvent: func(_ context.Context, event string, data map[string]any) error {
			if event == "cert_obtained" {
				opt.Log.Info("certificate obtained", "name", data["identifier"])
			}
			return nil
		},
	})
	a.issuer = certmagic.NewACMEIssuer(a.magic, certmagic.ACMEIssuer{
		CA:             cmp.Or(opt.Directory, certmagic.LetsEncryptProductionCA),
		Email:          opt.Email,
		Agreed:         true,
		AltTLSALPNPort: opt.Port,
		TrustedRoots:   opt.Trust,
		Logger:         log,
	})
	a.magic.Issuers = []certmagic.Issuer{a.issuer}
	return a, nil
}

// TLS returns the certificates for an address. Until they have come, nobody
// can connect there but the authority.
func (a *Automatic) TLS() *tls.Config {
	c := a.magic.TLSConfig()
	c.NextProtos = append([]string{"h2", "http/1.1"}, c.NextProtos...)
	return c
}

// Challenges answers the authority over plain HTTP, and leaves everything else
// to h. Only port 80 is asked, but it does no harm elsewhere.
func (a *Automatic) Challenges(h http.Handler) http.Handler {
	return a.issuer.HTTPChallengeHandler(h)
}

// Run gets certificates and renews them until ctx ends. What fails is logged
// and tried again, less and less often.
func (a *Automatic) Run(ctx context.Context) error {
	defer a.cache.Stop()
	if err := a.magic.ManageAsync(ctx, a.names); err != nil {
		return fmt.Errorf("certificates by ACME: %w", err)
	}
	<-ctx.Done()
	return nil
}
