package httpx

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// addressKey stands for an address while requests are counted. It cannot be
// turned back into one without a secret that exists in memory only, and not
// for long.
type addressKey [16]byte

// secretLife is how long one secret is used. Counts start anew with the next.
const secretLife = time.Hour

// addressKeys makes keys of addresses.
type addressKeys struct {
	now func() time.Time

	mu     sync.Mutex
	secret [32]byte
	until  time.Time
}

// key returns the key of an address. An IPv6 address counts as its network,
// in which one subscriber has more addresses than could be counted.
func (k *addressKeys) key(a netip.Addr) addressKey {
	if a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			a = network.Addr()
		}
	}
	secret, raw := k.current(), a.As16()
	sum := sha256.Sum256(append(secret[:], raw[:]...))
	return addressKey(sum[:16])
}

// current returns the secret of the hour.
func (k *addressKeys) current() [32]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); now.After(k.until) {
		rand.Read(k.secret[:])
		k.until = now.Add(secretLife)
	}
	return k.secret
}

// address returns where r comes from: the other end of the connection, or
// whom it names in X-Forwarded-For if it is a trusted proxy. Proxies append
// what they see, so the last address that is not one of theirs is the client;
// what stands before it anybody may have written.
func address(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer := remote(r)
	if !trusted(peer, proxies) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if peer = hop.Unmap().WithZone(""); !trusted(peer, proxies) {
			break
		}
	}
	return peer
}

// remote returns the other end of r's connection; it has no address when the
// connection is a Unix socket.
func remote(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

// trusted reports whether a is a proxy whose word counts.
func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	if !a.IsValid() {
		return len(proxies) > 0
	}
	for _, p := range proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
