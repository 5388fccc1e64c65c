package sliding

import (
	"fmt"
	"testing"

	"maunium.net/go/mautrix/id"
)

// has reports whether c is remembered.
func (s *conns) has(c *conn) bool {
	_, err := s.find(c.key, c.id)
	return err == nil
}

func TestConnectionsTakeSoMuchMemoryAndNoMore(t *testing.T) {
	t.Parallel()
	s := newConns()
	s.most = 1000
	var all []*conn
	for i := range 10 {
		c := s.begin(connKey{user: id.UserID(fmt.Sprintf("@user%d:one.example", i)), name: "c"})
		s.grew(c, 100)
		all = append(all, c)
	}
	s.has(all[0]) // is a use
	more := s.begin(connKey{user: "@more:one.example"})
	s.grew(more, 100)
	for i, c := range all {
		if got, want := s.has(c), i == 0 || i > 3; got != want {
			t.Errorf("connection %d is remembered: %v", i, got)
		}
	}
	if !s.has(more) || s.size > s.most {
		t.Errorf("the newest is remembered: %v; all take %d bytes", s.has(more), s.size)
	}
	s.grew(more, 5000) // too much, but nobody else is to blame
	if !s.has(more) || len(s.users) != 1 {
		t.Errorf("%d users are remembered", len(s.users))
	}
	s.dropDevices("@more:one.example", []id.DeviceID{""})
	if s.size != 0 || len(s.users) != 0 {
		t.Errorf("what nobody has takes %d bytes", s.size)
	}
}

func TestNobodyTakesTheMemoryOfOthers(t *testing.T) {
	t.Parallel()
	s := newConns()
	quiet := s.begin(connKey{user: "@quiet:one.example"})
	s.grew(quiet, 1000)
	greedy := func(i int) *conn {
		return s.begin(connKey{user: "@greedy:one.example", device: id.DeviceID(fmt.Sprint(i % 50)), name: fmt.Sprint(i)})
	}
	for i := range 300 {
		s.grew(greedy(i), sizeOfUser/8)
	}
	if got := s.sizeOf("@greedy:one.example"); got > sizeOfUser {
		t.Errorf("one user takes %d bytes", got)
	}
	for i := range 300 {
		greedy(i)
	}
	if got := len(s.users["@greedy:one.example"]); got > connsOfUser {
		t.Errorf("one user has %d connections", got)
	}
	whole := greedy(0)
	s.grew(whole, sizeOfUser+1)
	if s.has(whole) {
		t.Error("one connection takes more than is there for all of its user")
	}
	if !s.has(quiet) {
		t.Error("another user was forgotten")
	}
}

func TestAClientIsKnownToKnowSoManyMembers(t *testing.T) {
	t.Parallel()
	m := newMemory()
	for i := range 30 {
		crowd := make([]id.UserID, membersKnown/20)
		for k := range crowd {
			crowd[k] = id.UserID(fmt.Sprint("@", i, "-", k))
		}
		m.meet(id.RoomID(fmt.Sprint("!", i)), meeting{users: crowd})
	}
	n := 0
	for _, in := range m.members {
		n += len(in)
	}
	if n != m.met || n > membersKnown || n == 0 {
		t.Errorf("%d members are known, %d by the count", n, m.met)
	}
	m.meet("!29", meeting{anew: true, users: []id.UserID{"@one"}})
	if len(m.members["!29"]) != 1 {
		t.Errorf("%d members are known after all were forgotten", len(m.members["!29"]))
	}
}
