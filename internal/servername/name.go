// Package servername takes names of servers apart.
//
// Spec: appendices#server-name
package servername

import (
	"net/netip"
	"strconv"
	"strings"
)

// maxName is how long a server name may be.
const maxName = 255

// Name is a server name taken apart.
type Name struct {
	Host string // without brackets
	Port string // "" for none
	IP   netip.Addr
}

// Parse takes a server name apart, and reports whether it is one.
//
// Spec: appendices#server-name
func Parse(server string) (Name, bool) {
	if server == "" || len(server) > maxName {
		return Name{}, false
	}
	host, port, ok := cutPort(server)
	if !ok {
		return Name{}, false
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		return Name{Host: inner, Port: port, IP: ip}, closed && err == nil && ip.Is6() && ip.Zone() == ""
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return Name{Host: host, Port: port, IP: ip}, ip.Is4()
	}
	return Name{Host: host, Port: port}, IsHost(host)
}

// Valid reports whether server is a server name.
func Valid(server string) bool {
	_, ok := Parse(server)
	return ok
}

// IsLiteral reports whether the name is an IP address.
func (n Name) IsLiteral() bool { return n.IP.IsValid() }

// IsOnion reports whether the name is that of a service inside Tor.
func (n Name) IsOnion() bool { return strings.HasSuffix(strings.ToLower(n.Host), ".onion") }

// cutPort cuts the port off, if there is one.
func cutPort(server string) (host, port string, ok bool) {
	i := strings.LastIndexByte(server, ':')
	if i < 0 || strings.HasSuffix(server, "]") {
		return server, "", true
	}
	host, port = server[:i], server[i+1:]
	n, err := strconv.ParseUint(port, 10, 16)
	return host, port, err == nil && n > 0 && port[0] != '+'
}

// IsHost reports whether s can be a name in the domain name system, as far as
// the grammar of server names goes.
func IsHost(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.':
		default:
			return false
		}
	}
	return s != "" && s[0] != '.' && !strings.Contains(s, "..")
}
