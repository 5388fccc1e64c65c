package sliding

import (
	"cmp"
	"slices"
	"sync"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
)

const (
	// sizeMost is about how many bytes all connections take, and sizeOfUser
	// those of one user.
	sizeMost   = 256 << 20
	sizeOfUser = 32 << 20
	// connsOfDevice and connsOfUser are how many connections there are.
	connsOfDevice = 16
	connsOfUser   = 100
)

// connKey names a connection as its client does.
type connKey struct {
	user   id.UserID
	device id.DeviceID
	name   string
}

// conns holds the connections of everybody, as many as there is room for:
// those that were not used for longest go first.
type conns struct {
	most int // sizeMost, but for tests

	mu    sync.Mutex
	users map[id.UserID][]*conn
	size  int
	uses  int64
}

func newConns() *conns { return &conns{most: sizeMost, users: map[id.UserID][]*conn{}} }

// begin returns a new connection under key, in place of any there was.
func (s *conns) begin(key connKey) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(key.user, func(c *conn) bool { return c.key == key })
	c := newConn(key)
	s.users[key.user] = append(s.users[key.user], c)
	s.use(c)
	s.boundUser(c)
	return c
}

// find returns the connection that a position is of.
func (s *conns) find(key connKey, name string) (*conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.users[key.user] {
		if c.key == key && c.id == name {
			s.use(c)
			return c, nil
		}
	}
	return nil, unknownPos()
}

// use marks c as used now. The caller holds mu.
func (s *conns) use(c *conn) {
	s.uses++
	c.used = s.uses
}

// grew takes note of the size of c, and makes place for it.
func (s *conns) grew(c *conn, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.users[c.key.user]
	if !slices.Contains(own, c) {
		return // it was forgotten meanwhile
	}
	s.size += size - c.size
	c.size = size
	if size > sizeOfUser {
		s.drop(c.key.user, func(o *conn) bool { return o == c })
		return
	}
	s.boundUser(c)
	if s.size > s.most {
		s.shrink(c)
	}
}

// boundUser forgets connections of the user of c, other than c, that are too
// many. The caller holds mu.
func (s *conns) boundUser(c *conn) {
	user, device := c.key.user, func(o *conn) bool { return o.key.device == c.key.device }
	for s.count(user, device) > connsOfDevice && s.dropOne(user, c, device) {
	}
	anyOf := func(*conn) bool { return true }
	for (s.count(user, anyOf) > connsOfUser || s.sizeOf(user) > sizeOfUser) && s.dropOne(user, c, anyOf) {
	}
}

func (s *conns) count(user id.UserID, is func(*conn) bool) (n int) {
	for _, c := range s.users[user] {
		if is(c) {
			n++
		}
	}
	return n
}

func (s *conns) sizeOf(user id.UserID) (size int) {
	for _, c := range s.users[user] {
		size += c.size
	}
	return size
}

// dropOne forgets the connection of user that was used least recently, of
// those that is accepts, but not except.
func (s *conns) dropOne(user id.UserID, except *conn, is func(*conn) bool) bool {
	var oldest *conn
	for _, c := range s.users[user] {
		if c != except && is(c) && (oldest == nil || c.used < oldest.used) {
			oldest = c
		}
	}
	if oldest != nil {
		s.drop(user, func(c *conn) bool { return c == oldest })
	}
	return oldest != nil
}

// shrink forgets the connections that were used least recently, but not
// except, until there is place again for a while. The caller holds mu.
func (s *conns) shrink(except *conn) {
	var all []*conn
	for _, own := range s.users {
		all = append(all, own...)
	}
	slices.SortFunc(all, func(a, b *conn) int { return cmp.Compare(a.used, b.used) })
	for _, oldest := range all {
		if s.size <= s.most/8*7 {
			return
		}
		if oldest != except {
			s.drop(oldest.key.user, func(c *conn) bool { return c == oldest })
		}
	}
}

// drop forgets the connections of user that is accepts. The caller holds mu.
func (s *conns) drop(user id.UserID, is func(*conn) bool) {
	kept := slices.DeleteFunc(s.users[user], func(c *conn) bool {
		if !is(c) {
			return false
		}
		s.size -= c.size
		return true
	})
	if len(kept) == 0 {
		delete(s.users, user)
		return
	}
	s.users[user] = kept
}

// dropDevices forgets the connections of devices of user.
func (s *conns) dropDevices(user id.UserID, devices []id.DeviceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(user, func(c *conn) bool { return slices.Contains(devices, c.key.device) })
}

// keyOf names the connection that a request of p is on.
func keyOf(p matrix.Principal, name string) connKey { return connKey{p.User, p.Device, name} }
