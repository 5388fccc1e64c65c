package outward_test

import (
	"net/netip"
	"testing"

	"plenum/internal/outward"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"9.9.9.9", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "223.255.255.255", "2a01:4f8::1", "2600::1", "::ffff:9.9.9.9", "64:ff9b::9.9.9.9"} {
		if !outward.Public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is of the internet", ip)
		}
	}
	for _, ip := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.8", "192.168.1.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "2600::1%eth0", "fec0::1", "fd00::1", "ff02::1",
		"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1",
	} {
		if outward.Public(netip.MustParseAddr(ip)) {
			t.Errorf("%s is not of the internet", ip)
		}
	}
	if outward.Public(netip.Addr{}) {
		t.Error("no address is of the internet")
	}
}
