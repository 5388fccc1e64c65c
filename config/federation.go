package config

import (
	"fmt"
	"net/url"
	"strings"
)

// ProxyRule says through which proxy servers are reached.
type ProxyRule struct {
	Pattern string // of server names
	URL     *url.URL
}

// ProxyRules returns the proxies of the settings, which were checked before.
func (f Federation) ProxyRules() ([]ProxyRule, error) {
	var all []ProxyRule
	for _, text := range f.Proxies {
		pattern, address, ok := strings.Cut(strings.TrimSpace(text), " ")
		u, err := url.Parse(strings.TrimSpace(address))
		if !ok || err != nil || u.Host == "" || u.Scheme != "socks5" && u.Scheme != "socks5h" {
			return nil, fmt.Errorf("must be a pattern of names and a proxy, such as \"*.onion socks5h://127.0.0.1:9050\"; not %q", text)
		}
		all = append(all, ProxyRule{pattern, u})
	}
	return all, nil
}

func (f Federation) check(k *checker) {
	if f.Address != "" {
		k.serverName("federation.address", f.Address)
	}
	if _, err := f.ProxyRules(); err != nil {
		k.add("federation.proxies", "%s.", err)
	}
	for _, list := range []struct {
		key      string
		patterns []string
	}{{"federation.allow", f.Allow}, {"federation.deny", f.Deny}} {
		for _, p := range list.patterns {
			if p == "" || strings.ContainsAny(p, " /@") {
				k.add(list.key, "must be names of servers, such as \"example.org\" or \"*.example.org\"; not %q.", p)
			}
		}
	}
	for _, name := range f.Notaries {
		k.serverName("federation.notaries", name)
	}
	if f.OnionOnly && !f.leadsToOnions() {
		k.add("federation.onion_only", "needs a proxy for such names in federation.proxies, such as \"*.onion socks5h://127.0.0.1:9050\".")
	}
}

// leadsToOnions reports whether a proxy looks up names inside Tor.
func (f Federation) leadsToOnions() bool {
	all, _ := f.ProxyRules()
	for _, p := range all {
		if p.URL.Scheme == "socks5h" {
			return true
		}
	}
	return false
}
