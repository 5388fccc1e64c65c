package outward_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers every question for an IPv4 address with the next of its
// answers, the last of them for ever, as name servers do that want to lead
// somebody inside.
type nameServer struct {
	conn net.PacketConn

	mu      sync.Mutex
	answers []string
}

func newNameServer(t *testing.T, answers ...string) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s := &nameServer{conn: conn, answers: answers}
	go s.serve()
	return s
}

// resolver returns one that asks s.
func (s *nameServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
}

func (s *nameServer) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return // closed
		}
		var msg dnsmessage.Message
		if msg.Unpack(buf[:n]) != nil || len(msg.Questions) != 1 {
			continue
		}
		msg.Header.Response, msg.Additionals = true, nil
		if q := msg.Questions[0]; q.Type == dnsmessage.TypeA {
			msg.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.AResource{A: netip.MustParseAddr(s.next()).As4()},
			}}
		}
		if answer, err := msg.Pack(); err == nil {
			_, _ = s.conn.WriteTo(answer, from)
		}
	}
}

func (s *nameServer) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return answer
}

// again changes what comes next.
func (s *nameServer) again(answers ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
}

// socks is a SOCKS5 proxy that leads everybody to one place, and writes down
// where they wanted to go.
type socks struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	asked []string
}

func newSocks(t *testing.T, to string) *socks {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := &socks{listener: l, to: to}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go s.serve(c)
		}
	}()
	return s
}

// by is the proxy for all hosts.
func (s *socks) by(scheme string) func(string) *url.URL {
	u := &url.URL{Scheme: scheme, Host: s.listener.Addr().String()}
	return func(string) *url.URL { return u }
}

func (s *socks) wanted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *socks) serve(c net.Conn) {
	defer c.Close()
	at, err := greet(c)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.asked = append(s.asked, at)
	s.mu.Unlock()
	there, err := net.Dial("tcp", s.to)
	if err != nil {
		return
	}
	defer there.Close()
	if _, err := c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return
	}
	go func() { _, _ = io.Copy(there, c) }()
	_, _ = io.Copy(c, there)
}

// greet reads where c wants to go (RFC 1928).
func greet(c net.Conn) (string, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, c, int64(head[1])); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte{5, 0}); err != nil {
		return "", err
	}
	ask := make([]byte, 5) // version, command, 0, kind, first byte of the address
	if _, err := io.ReadFull(c, ask); err != nil {
		return "", err
	}
	rest := map[byte]int{1: 3, 3: int(ask[4]), 4: 15}[ask[3]]
	address := make([]byte, rest+2)
	if _, err := io.ReadFull(c, address); err != nil {
		return "", err
	}
	host := string(address[:rest])
	if ask[3] != 3 {
		ip, _ := netip.AddrFromSlice(append([]byte{ask[4]}, address[:rest]...))
		host = ip.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(address[rest:])))), nil
}
