package sync

import (
	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/rooms"
)

const (
	// devicesRemembered and membersRemembered bound what is remembered of the
	// members that devices know. What is forgotten is sent once more.
	devicesRemembered = 2000
	membersRemembered = 1000
)

// memory is which members devices that load members lazily were sent.
//
// A device knows a member only when it has received the answer that told it,
// which the token of its next sync confirms. So what is remembered is the
// position up to which that answer went; a device that asks again from before
// it lost the answer, and is told again.
type memory struct {
	devices *lru.Cache[deviceKey, *lru.Cache[memberKey, matrix.Position]]
}

type deviceKey struct {
	user   id.UserID
	device id.DeviceID
}

type memberKey struct {
	room id.RoomID
	user id.UserID
}

func newMemory() (*memory, error) {
	devices, err := lru.New[deviceKey, *lru.Cache[memberKey, matrix.Position]](devicesRemembered)
	return &memory{devices: devices}, err
}

// clear forgets what a device was sent: it begins anew.
func (m *memory) clear(p matrix.Principal) { m.devices.Remove(deviceKey{p.User, p.Device}) }

// meet makes room for what is remembered of the device of r.
func (m *memory) meet(r *request) (*lru.Cache[memberKey, matrix.Position], error) {
	fresh, err := lru.New[memberKey, matrix.Position](membersRemembered)
	if err != nil {
		return nil, err
	}
	m.devices.ContainsOrAdd(deviceKey{r.who.User, r.who.Device}, fresh)
	return m.of(r), nil
}

// of returns what is remembered of the device of r, nil when that is nothing.
func (m *memory) of(r *request) *lru.Cache[memberKey, matrix.Position] {
	members, _ := m.devices.Get(deviceKey{r.who.User, r.who.Device})
	return members
}

// forgetKnown takes from users whom the client knows as members of the room.
func (st *stay) forgetKnown(users map[id.UserID]struct{}) {
	known := st.s.members.of(st.request)
	if known == nil {
		return
	}
	for user := range users {
		if told, ok := known.Get(memberKey{st.rm.ID(), user}); ok && told <= st.confirmed {
			delete(users, user)
		}
	}
}

// rememberMembers notes the members among the events that the client is told.
func (st *stay) rememberMembers(lists ...[]*rooms.Event) error {
	if !st.filter.Room.State.LazyLoadMembers {
		return nil
	}
	known := st.s.members.of(st.request)
	for _, evs := range lists {
		for _, e := range evs {
			if e.Type != "m.room.member" || !e.IsState() {
				continue
			}
			if known == nil {
				var err error
				if known, err = st.s.members.meet(st.request); err != nil {
					return err
				}
			}
			key := memberKey{st.rm.ID(), id.UserID(*e.StateKey)}
			if told, ok := known.Peek(key); !ok || told > st.next.Pos {
				known.Add(key, st.next.Pos)
			}
		}
	}
	return nil
}
