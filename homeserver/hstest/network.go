package hstest

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// Network is the servers that can reach each other in a test. It carries their
// requests within the process.
type Network struct {
	mu      sync.Mutex
	servers map[string]http.RoundTripper
	cut     map[string]bool // servers that nobody reaches, and that reach nobody
}

// NewNetwork returns a network without servers.
func NewNetwork() *Network {
	return &Network{servers: map[string]http.RoundTripper{}, cut: map[string]bool{}}
}

// Federation starts servers that reach each other.
func Federation(t testing.TB, names ...string) []*Server {
	t.Helper()
	n := NewNetwork()
	var all []*Server
	for _, name := range names {
		all = append(all, New(t, Options{ServerName: name, Network: n}))
	}
	return all
}

// add puts a server into the network.
func (n *Network) add(s *Server) { n.Add(s.Name(), s) }

// Add puts something into the network that answers in the name of a server.
func (n *Network) Add(name string, server http.RoundTripper) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers[name] = server
}

// Cut takes a server off the network, or puts it back: others do not reach it
// any more. It still reaches them, unless they are cut off too.
func (n *Network) Cut(name string, off bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[name] = off
}

// RoundTrip carries a request to the server that it is for.
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	server, ok := n.servers[r.URL.Host]
	cut := n.cut[r.URL.Host]
	n.mu.Unlock()
	if !ok || cut {
		return nil, fmt.Errorf("hstest: there is no way to %s", r.URL.Host)
	}
	return server.RoundTrip(r)
}
