package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
)

// Validate returns everything that is wrong with the settings by themselves,
// in words for whoever wrote them. It looks at nothing outside of them: whether
// a folder can be written to or a port is free is found out by "plenum check".
func (c Config) Validate() error { return c.problems().err() }

// checker collects problems.
type checker struct{ found Problems }

// add notes that the setting key has a problem.
func (k *checker) add(key, format string, args ...any) {
	k.found = append(k.found, Problem{key, fmt.Sprintf(format, args...)})
}

// oneOf checks a setting with few words to choose from.
func (k *checker) oneOf(key, value string, words ...string) {
	if !slices.Contains(words, value) {
		k.add(key, "must be one of %s, not %q.", strings.Join(words, ", "), value)
	}
}

// atLeast checks a setting that is a number.
func (k *checker) atLeast(key string, value, least int64) {
	if value < least {
		k.add(key, "must be at least %d.", least)
	}
}

func (c Config) problems() Problems {
	var k checker
	k.serverName("server_name", c.ServerName)
	k.publicURL("public_url", c.PublicURL)
	if c.DataFolder == "" {
		k.add("data_folder", "must name a folder.")
	}
	if c.SigningKeyFile == "" {
		k.add("signing_key_file", "must name a file.")
	}
	c.Listen.check(&k)
	c.TLS.check(&k, c)
	c.Federation.check(&k)
	c.Database.check(&k)
	c.Media.check(&k)
	c.Backup.check(&k)
	c.Registration.check(&k)
	c.Passwords.check(&k)
	k.atLeast("passwords.wrong_in_a_row", int64(c.Passwords.WrongInARow), 1)
	if c.Sessions.AccessTokenLife < Duration(time.Minute) {
		k.add("sessions.access_token_life", "must be at least 1 minute.")
	}
	c.Rooms.check(&k)
	k.oneOf("privacy.profiles", c.Privacy.Profiles, "acquaintances", "anyone")
	k.oneOf("privacy.keys", c.Privacy.Keys, "acquaintances", "anyone")
	c.Previews.check(&k)
	c.Notices.check(&k)
	c.Support.check(&k)
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "text", "json")
	return k.found
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

// serverName checks the grammar of a server name, a little stricter than the
// specification: no capital letters, since names that differ only in them are
// different servers to Matrix and the same to people.
//
// Spec: appendices#server-name
func (k *checker) serverName(key, name string) {
	host, port, hasPort := name, "", false
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		host, port, hasPort = name[:i], name[i+1:], true
	}
	switch {
	case name == "":
		k.add(key, "must not be empty. It is a name such as example.org.")
	case strings.Contains(name, "://") || strings.ContainsAny(name, "/@"):
		k.add(key, "must be a name alone, such as example.org, without https:// and without a path; not %q.", name)
	case strings.ToLower(name) != name:
		k.add(key, "must be in small letters: %q instead of %q.", strings.ToLower(name), name)
	case len(name) > 230: // a user id has 255 bytes at most
		k.add(key, "is too long. It may have 230 letters.")
	case hasPort && !isPort(port):
		k.add(key, "ends in %q, which is no port. A port is a number from 1 to 65535, such as in example.org:8448; most servers need none.", port)
	case strings.HasPrefix(host, "["):
		if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil || !ip.Is6() || !strings.HasSuffix(host, "]") {
			k.add(key, "is no IPv6 address in brackets: %q.", name)
		}
	case !hostName.MatchString(host):
		k.add(key, "may contain only the letters a to z, digits, dots and hyphens, and begin and end with a letter or a digit; not %q.", name)
	}
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func (k *checker) publicURL(key, raw string) {
	if raw == "" {
		return
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		k.add(key, "must be an address such as https://matrix.example.org, not %q.", raw)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		k.add(key, "must end after the name and the port: %s://%s.", u.Scheme, u.Host)
	}
}

// listen checks an address to listen on.
func (k *checker) listen(key, address string) {
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		k.add(key, "must be an address with a port, such as \"127.0.0.1:8008\", or \":443\" for all addresses of this machine; not %q.", address)
	case port != "0" && !isPort(port):
		k.add(key, "has %q as port, which must be a number from 1 to 65535.", port)
	case host != "" && host != "localhost" && !isIP(host):
		k.add(key, "must begin with an IP address of this machine, or with nothing for all of them, not with %q.", host)
	}
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func (l Listen) check(k *checker) {
	seen := map[string]string{}
	once := func(key, address string) {
		k.listen(key, address)
		if other, taken := seen[address]; taken && !strings.HasSuffix(address, ":0") {
			k.add(key, "uses %s, which %s uses already.", address, other)
		}
		seen[address] = key
	}
	for _, list := range []struct {
		key       string
		addresses []string
	}{{"listen.client", l.Client}, {"listen.client_tls", l.ClientTLS}, {"listen.federation", l.Federation}} {
		for _, address := range list.addresses {
			once(list.key, address)
		}
	}
	if l.Metrics != "" {
		once("listen.metrics", l.Metrics)
	}
	if len(l.Client)+len(l.ClientTLS) == 0 {
		k.add("listen.client", "must name an address, or else listen.client_tls must: nobody could reach the server.")
	}
	for _, p := range l.Proxies {
		if _, err := netip.ParsePrefix(p); err != nil && !isIP(p) {
			k.add("listen.proxies", "must be IP addresses, or networks such as \"10.0.0.0/8\"; not %q.", p)
		}
	}
}

func (t TLS) check(k *checker, c Config) {
	if (t.Certificate == "") != (t.Key == "") {
		k.add("tls.certificate", "and tls.key belong together: set both or neither.")
	}
	if t.ACME && t.Certificate != "" {
		k.add("tls.acme", "cannot be on together with tls.certificate: certificates come from files or are fetched, not both.")
	}
	if t.ACME && (isIP(hostOf(c.ServerName)) || !strings.Contains(hostOf(c.ServerName), ".")) {
		k.add("tls.acme", "needs a server_name that is known in the internet, not %q.", c.ServerName)
	}
	if t.ACME && len(c.Listen.ClientTLS) == 0 {
		k.add("tls.acme", "needs an address in listen.client_tls, such as \":443\", at which the issuer checks that the name is yours.")
	}
	needs := len(c.Listen.ClientTLS) + len(c.Listen.Federation)
	if needs > 0 && !t.ACME && t.Certificate == "" && c.Throwaway == nil {
		k.add("tls.certificate", "and tls.key are needed for listen.client_tls and listen.federation; or set tls.acme = true.")
	}
	if u, err := url.Parse(t.ACMEDirectory); t.ACME && (err != nil || u.Scheme != "https" || u.Host == "") {
		k.add("tls.acme_directory", "must be an https address, not %q.", t.ACMEDirectory)
	}
}

// hostOf is a server name without its port.
func hostOf(serverName string) string {
	if host, _, err := net.SplitHostPort(serverName); err == nil {
		return host
	}
	return strings.Trim(serverName, "[]")
}

func (d Database) check(k *checker) {
	k.oneOf("database.synchronous", d.Synchronous, "full", "normal")
	k.atLeast("database.max_connections", int64(d.MaxConnections), 0)
	if _, err := url.Parse(d.URL); !d.IsFile() && err != nil {
		k.add("database.url", "is no address of a PostgreSQL database. It looks like postgres://user:password@host/name; a password with special characters must be percent-encoded.")
	}
	if scheme, _, ok := strings.Cut(d.URL, "://"); ok && d.IsFile() {
		k.add("database.url", "begins with %s://, but it must be a path, or begin with postgres://.", scheme)
	}
	if d.IsFile() && strings.ContainsAny(d.URL, "?#") {
		k.add("database.url", "must be a path without ? and #.")
	}
}

func (m Media) check(k *checker) {
	if m.KeyFile == "" {
		k.add("media.key_file", "must name a file.")
	}
	k.atLeast("media.max_upload", int64(m.MaxUpload), 1)
	k.atLeast("media.max_pending", int64(m.MaxPending), 1)
	k.atLeast("media.max_pixels", m.MaxPixels, 1)
	k.atLeast("media.max_thumbnail", int64(m.MaxThumbnail), 32)
	if m.DecodeMemory < 16<<20 {
		k.add("media.decode_memory", "must be at least 16 MiB.")
	}
	if m.Quota > 0 && m.Quota < m.MaxUpload {
		k.add("media.quota", "is smaller than media.max_upload, so that the largest files could never be sent.")
	}
}

func (b Backup) check(k *checker) {
	for _, key := range b.Recipients {
		if all, err := age.ParseRecipients(strings.NewReader(key)); err != nil || len(all) != 1 {
			k.add("backup.recipients", "must be public keys of age, which begin with age1; not %q.", key)
		}
	}
}

func (r Registration) check(k *checker) {
	k.oneOf("registration.mode", r.Mode, "closed", "token", "open")
	if r.TermsURL == "" {
		return
	}
	k.page("registration.terms_url", r.TermsURL)
	if r.TermsName == "" || r.TermsVersion == "" {
		k.add("registration.terms_name", "and registration.terms_version must not be empty when there are terms.")
	}
}

// page checks the address of a page, if there is one.
func (k *checker) page(key, raw string) {
	if raw == "" {
		return
	}
	if u, err := url.Parse(raw); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		k.add(key, "must be the address of a page, such as https://example.org/page.html, not %q.", raw)
	}
}

func (p Previews) check(k *checker) {
	for _, list := range []struct {
		key      string
		patterns []string
	}{{"previews.deny", p.Deny}, {"previews.allow", p.Allow}} {
		for _, pattern := range list.patterns {
			if _, err := path.Match(pattern, ""); err != nil || strings.ContainsAny(pattern, "/:") || strings.ToLower(pattern) != pattern {
				k.add(list.key, "must be names of hosts in small letters, such as \"*.example.org\", without https:// and without a port; not %q.", pattern)
			}
		}
	}
	for _, port := range p.Ports {
		if !isPort(port) {
			k.add("previews.ports", "must be numbers from 1 to 65535, not %q.", port)
		}
	}
	if u, err := url.Parse(p.Proxy); p.Proxy != "" && (err != nil || u.Host == "" || u.Scheme != "socks5" && u.Scheme != "socks5h") {
		k.add("previews.proxy", "must be the address of a SOCKS5 proxy, such as socks5h://127.0.0.1:9050.")
	}
	if strings.ContainsAny(p.Languages, "\r\n") {
		k.add("previews.languages", "must be one line.")
	}
	k.atLeast("previews.max_page", int64(p.MaxPage), 1<<10)
	k.atLeast("previews.max_image", int64(p.MaxImage), 1<<10)
	for key, d := range map[string]Duration{"previews.timeout": p.Timeout, "previews.remember": p.Remember, "previews.image_life": p.ImageLife} {
		if d <= 0 {
			k.add(key, "must be longer than 0.")
		}
	}
}

func (n Notices) check(k *checker) {
	if n.Account == "" || strings.Trim(n.Account, "abcdefghijklmnopqrstuvwxyz0123456789._=-/+") != "" {
		k.add("notices.account", "may contain only the letters a to z, digits and ._=-/+, not %q.", n.Account)
	}
}

func (s Support) check(k *checker) {
	k.page("support.page", s.Page)
	if s.MatrixID != "" && (!strings.HasPrefix(s.MatrixID, "@") || !strings.Contains(s.MatrixID, ":")) {
		k.add("support.matrix_id", "must be an account such as @ada:example.org, not %q.", s.MatrixID)
	}
	if s.Email != "" && !strings.Contains(s.Email, "@") {
		k.add("support.email", "must be an e-mail address, not %q.", s.Email)
	}
}

func (p Passwords) check(k *checker) {
	k.atLeast("passwords.min_length", int64(p.MinLength), 1)
	k.atLeast("passwords.hash_passes", int64(p.HashPasses), 1)
	if p.HashMemory < 8<<10 || p.HashMemory > 4<<30 {
		k.add("passwords.hash_memory", "must be between 8 KiB and 4 GiB.")
	}
}

func (r Rooms) check(k *checker) {
	if n, err := strconv.Atoi(r.DefaultVersion); err != nil || n < 1 || n > 12 {
		k.add("rooms.default_version", "must be \"1\" to \"12\", not %q.", r.DefaultVersion)
	}
	for _, preset := range r.Encrypt {
		k.oneOf("rooms.encrypt", preset, "private_chat", "trusted_private_chat", "public_chat")
	}
	k.atLeast("rooms.in_memory", int64(r.InMemory), 1)
}
