package outward

import "net/netip"

// Public reports whether ip is an address of the internet, as opposed to one
// of this machine, of its neighbours, of a provider's own network, or of none.
// The lists are IANA's registries of special-purpose addresses.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.Zone() != "" {
		return false
	}
	if ip.Is6() {
		return public6(ip)
	}
	return ip.IsValid() && !in(ip,
		"0.0.0.0/8",       // this network
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // between a provider and its customers
		"127.0.0.0/8",     // this machine
		"169.254.0.0/16",  // this link, and the metadata of clouds
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocols
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // relays of 6to4
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/3",     // multicast, reserved, broadcast
	)
}

// public6 judges IPv6: of all addresses only an eighth was given out so far.
func public6(ip netip.Addr) bool {
	if in(ip, "64:ff9b::/96") { // an IPv4 address, for networks without any
		b := ip.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return in(ip, "2000::/3") && !in(ip,
		"2001::/23",     // protocols, such as Teredo, which embeds addresses
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4, which embeds addresses
		"3fff::/20",     // documentation
	)
}

func in(ip netip.Addr, blocks ...string) bool {
	for _, block := range blocks {
		if netip.MustParsePrefix(block).Contains(ip) {
			return true
		}
	}
	return false
}
