package homeserver

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"plenum/config"
	"plenum/homeserver/listen"
	"plenum/internal/run"
)

// Address is where the server listens.
type Address struct {
	For string // what for: "clients", "other servers", "metrics"
	URL string

	forClients bool
}

// door is an address with what is behind it.
type door struct {
	what    string
	listen  string
	tls     bool
	handler http.Handler
}

// doorsOf lists what the settings open.
func (s *Server) doorsOf() []door {
	var all []door
	add := func(what string, addresses []string, tls bool, h http.Handler) {
		for _, a := range addresses {
			all = append(all, door{what, a, tls, h})
		}
	}
	add(forClients, s.cfg.Listen.Client, false, s.client)
	add(forClients, s.cfg.Listen.ClientTLS, true, s.client)
	add("other servers", s.cfg.Listen.Federation, true, s.client)
	add("metrics", nonEmpty(s.cfg.Listen.Metrics), false, listen.Metrics(s.metrics, s.parts.healthy))
	return all
}

const forClients = "clients"

// open takes all addresses.
func (s *Server) open() error {
	s.doors = s.doorsOf()
	if len(s.doors) == 0 {
		return nil
	}
	certificates, err := s.certificates()
	if err != nil {
		return err
	}
	addresses := make([]listen.Address, len(s.doors))
	for i, d := range s.doors {
		addresses[i] = listen.Address{Listen: d.listen, Handler: d.handler}
		switch {
		case d.tls:
			addresses[i].TLS = certificates
		case s.automatic != nil && d.what == forClients:
			addresses[i].Handler = s.automatic.Challenges(d.handler)
		}
	}
	s.front, err = listen.Open(addresses, listen.Options{Log: s.log})
	return err
}

// certificates returns what the addresses with HTTPS present, nil when there
// are none.
func (s *Server) certificates() (*tls.Config, error) {
	cfg := s.cfg
	switch {
	case len(cfg.Listen.ClientTLS)+len(cfg.Listen.Federation) == 0:
		return nil, nil
	case cfg.TLS.Certificate != "":
		return listen.Files(cfg.TLS.Certificate, cfg.TLS.Key, s.log)
	case cfg.TLS.ACME:
		a, err := listen.NewAutomatic(acme(cfg, s))
		if err != nil {
			return nil, err
		}
		s.automatic = a
		return a.TLS(), nil
	case cfg.Throwaway != nil && cfg.Throwaway.TestCA != "":
		c, _, err := listen.TestCA(cfg.Throwaway.TestCA, cfg.ServerName)
		return c, err
	}
	return listen.SelfSigned(cfg.ServerName) // only a throw-away server comes here
}

// acme says which certificates to get: for the name of the server, and for the
// one that clients use.
func acme(cfg config.Config, s *Server) listen.ACME {
	names := []string{hostOf(cfg.ServerName)}
	if host := publicHost(cfg); host != names[0] {
		names = append(names, host)
	}
	port := 0
	if _, p, err := net.SplitHostPort(cfg.Listen.ClientTLS[0]); err == nil {
		port, _ = strconv.Atoi(p) // the settings were checked before
	}
	return listen.ACME{
		Names:     names,
		Folder:    filepath.Join(cfg.DataFolder, "certificates"),
		Agreed:    true, // the documentation of the setting says so
		Email:     cfg.TLS.ACMEEmail,
		Directory: cfg.TLS.ACMEDirectory,
		Port:      port,
		Log:       s.log,
	}
}

// addListeners adds what runs in front.
func (s *Server) addListeners(g *run.Group) {
	if s.automatic != nil {
		g.Add("certificates", s.automatic.Run)
	}
	if s.front != nil {
		g.Add("listeners", s.front.Run)
	}
}

// Addresses lists where the server listens, as people would type it.
func (s *Server) Addresses() []Address {
	if s.front == nil {
		return nil
	}
	var all []Address
	for i, at := range s.front.Addresses() {
		d := s.doors[i]
		all = append(all, Address{For: d.what, URL: urlOf(d, at), forClients: d.what == forClients})
	}
	return all
}

// urlOf is the address at which d is reached from this machine.
func urlOf(d door, at net.Addr) string {
	scheme := "http://"
	if d.tls {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return at.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	if d.tls && port == "443" || !d.tls && port == "80" {
		return scheme + bracketed(host)
	}
	return scheme + net.JoinHostPort(host, port)
}

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// publicURL is the address at which clients reach this server from outside.
func publicURL(cfg config.Config) string {
	if cfg.PublicURL != "" {
		return strings.TrimRight(cfg.PublicURL, "/")
	}
	if cfg.ServerName == "localhost" && len(cfg.Listen.Client) > 0 { // nothing is outside
		if _, port, err := net.SplitHostPort(cfg.Listen.Client[0]); err == nil {
			return "http://localhost:" + port
		}
	}
	return "https://" + bracketed(hostOf(cfg.ServerName))
}

// publicHost is the name in publicURL.
func publicHost(cfg config.Config) string {
	_, rest, _ := strings.Cut(publicURL(cfg), "://")
	return hostOf(rest)
}

// hostOf is a name without its port, and an IPv6 address without its brackets.
func hostOf(name string) string {
	host, _, err := net.SplitHostPort(name)
	if err != nil {
		host = name
	}
	return strings.Trim(cmp.Or(host, name), "[]")
}
