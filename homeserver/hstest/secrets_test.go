package hstest_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
)

var seed = flag.Uint64("seed", 0, "repeat the random steps of a run that failed")

const (
	secretRounds = 10 // with a restart before each
	secretUsers  = 5
	secretSteps  = 200 // of each user in a round: 10,000 in all
)

// TestSecretsArriveWhateverHappens lets people upload and claim keys, sign in
// and out, send messages from device to device, come into and leave rooms, and
// sync, in random order and all at once, with restarts. Then:
//   - no one-time key was given twice, and none got lost;
//   - each device got all messages for it, once and in order;
//   - each device knows the devices of exactly those who share a room with it.
func TestSecretsArriveWhateverHappens(t *testing.T) {
	t.Parallel()
	hstest.Each(t, hstest.Options{}, func(t *testing.T, s *hstest.Server) {
		seed := *seed
		if seed == 0 {
			seed = uint64(time.Now().UnixNano())
		}
		t.Logf("go test ./homeserver/hstest -run %s -seed %d", "TestSecretsArriveWhateverHappens", seed)
		c := newCrowd(t, s, seed)
		for round := range secretRounds {
			if round > 0 {
				s.Restart()
			}
			c.together(func(p *person) {
				for range secretSteps {
					p.step()
				}
			})
		}
		c.together(func(p *person) {
			for _, d := range p.devices {
				d.catchUp()
			}
		})
		c.together((*person).check)
	})
}

// crowd is all people, and what they have to know of each other.
type crowd struct {
	*testing.T
	s      *hstest.Server
	people []*person
	rooms  []id.RoomID

	mu       sync.Mutex
	present  map[id.UserID][]id.DeviceID // devices that are signed in
	members  map[id.RoomID]map[id.UserID]bool
	uploaded map[string]bool // one-time keys, with who was given them below
	given    map[string]id.UserID
	toAll    map[stream]int // messages to all devices of somebody, begun to be sent
}

// stream is a row of messages that arrive in order: from one person to one
// device, or to whichever devices another has.
type stream struct {
	from, to id.UserID
	device   id.DeviceID // "*" is all
}

// person is somebody with devices. All they do is done one after the other.
type person struct {
	*crowd
	user    id.UserID
	rand    *rand.Rand
	devices []*secretDevice
	sent    map[stream]int
	txns    int
}

func newCrowd(t *testing.T, s *hstest.Server, seed uint64) *crowd {
	c := &crowd{
		T: t, s: s, present: map[id.UserID][]id.DeviceID{}, members: map[id.RoomID]map[id.UserID]bool{},
		uploaded: map[string]bool{}, given: map[string]id.UserID{}, toAll: map[stream]int{},
	}
	for i := range secretUsers {
		client := s.Client(fmt.Sprintf("user%d", i)).In(t)
		p := &person{crowd: c, user: client.User, rand: rand.New(rand.NewPCG(seed, uint64(i))), sent: map[stream]int{}}
		c.people = append(c.people, p)
		p.begin(client)
		if i < 3 { // the second and the third room have more members than others
			room := client.CreateRoom(hstest.Public)
			c.rooms = append(c.rooms, room)
			c.members[room] = map[id.UserID]bool{p.user: true}
		}
	}
	return c
}

// together lets everybody do something at the same time.
func (c *crowd) together(fn func(*person)) {
	c.Helper()
	var all sync.WaitGroup
	for _, p := range c.people {
		all.Go(func() { fn(p) })
	}
	all.Wait()
	if c.Failed() {
		c.FailNow()
	}
}

// devicesOf returns the devices of a user that are signed in now.
func (c *crowd) devicesOf(user id.UserID) []id.DeviceID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.present[user])
}

// shares reports whether two users are in a room together.
func (c *crowd) shares(a, b id.UserID) bool {
	for _, members := range c.members {
		if members[a] && members[b] {
			return true
		}
	}
	return a == b
}

// step does one thing.
func (p *person) step() {
	if len(p.devices) == 0 {
		p.begin(p.s.SignIn(p.user).In(p.T))
		return
	}
	d := p.devices[p.rand.IntN(len(p.devices))]
	switch n := p.rand.IntN(100); {
	case n < 35 && d.sleepy && p.rand.IntN(100) != 0:
		p.sendToAll(d)
	case n < 30:
		d.follow()
	case n < 35:
		d.loseAnswer()
	case n < 60:
		p.send(d)
	case n < 65:
		p.sendToAll(d)
	case n < 77:
		d.upload()
	case n < 88:
		p.claim(d)
	case n < 93:
		p.move(d)
	case n < 95:
		d.renew()
	case n < 98 && len(p.devices) < 3:
		p.begin(p.s.SignIn(p.user).In(p.T))
	case !d.sleepy || p.rand.IntN(30) == 0:
		p.end(d)
	}
}

// anybody is a person by chance, oneself included.
func (p *person) anybody() *person { return p.people[p.rand.IntN(len(p.people))] }

// send sends the next message to one device or several.
func (p *person) send(d *secretDevice) {
	messages := hstest.More{}
	for range 1 + p.rand.IntN(3) {
		other := p.anybody().user
		devices := p.devicesOf(other)
		if len(devices) == 0 || messages[string(other)] != nil {
			continue
		}
		s := stream{p.user, other, devices[p.rand.IntN(len(devices))]}
		p.sent[s]++
		messages[string(other)] = hstest.More{string(s.device): hstest.More{"n": p.sent[s]}}
	}
	p.put(d, messages)
}

// sendToAll sends the next message to all devices of somebody.
func (p *person) sendToAll(d *secretDevice) {
	s := stream{p.user, p.anybody().user, "*"}
	p.mu.Lock()
	p.toAll[s]++
	n := p.toAll[s]
	p.mu.Unlock()
	p.put(d, hstest.More{string(s.to): hstest.More{"*": hstest.More{"n": n, "all": true}}})
}

// put sends messages, and sometimes again because the answer got lost.
func (p *person) put(d *secretDevice, messages hstest.More) {
	p.txns++
	for range 1 + p.rand.IntN(10)/9 {
		d.Put(hstest.Path(v3, "sendToDevice", "m.test", fmt.Sprint(p.txns)), hstest.More{"messages": messages})
	}
}

// claim claims a key of each of somebody's devices.
func (p *person) claim(d *secretDevice) {
	other := p.anybody().user
	wanted := hstest.More{}
	for _, device := range p.devicesOf(other) {
		wanted[string(device)] = "signed_curve25519"
	}
	answer := d.Post(v3+"/keys/claim", hstest.More{"one_time_keys": hstest.More{string(other): wanted}})
	for device, keys := range hstest.Part(answer, "one_time_keys", string(other)).Map() {
		for _, key := range keys.Map() {
			name := key.Get("key").Str
			p.mu.Lock()
			if before, was := p.given[name]; was {
				p.Errorf("the key %q was given to %s and to %s", name, before, p.user)
			}
			if !p.uploaded[name] && !key.Get("fallback").Bool() || key.Get("of").Str != device {
				p.Errorf("the key %s was given for %s", key, device)
			}
			if !key.Get("fallback").Bool() {
				p.given[name] = p.user
			}
			p.mu.Unlock()
		}
	}
}

// move comes into a room or leaves it.
func (p *person) move(d *secretDevice) {
	room := p.rooms[p.rand.IntN(len(p.rooms))]
	p.mu.Lock()
	was := p.members[room][p.user]
	p.members[room][p.user] = !was
	p.mu.Unlock()
	if was {
		d.Leave(room)
	} else {
		d.Join(room)
	}
}

// begin takes a new device into use.
func (p *person) begin(client *hstest.Client) {
	d := newSecretDevice(p, client)
	p.devices = append(p.devices, d)
	p.mu.Lock()
	p.present[p.user] = append(p.present[p.user], d.Device)
	p.mu.Unlock()
	d.renew()
}

// end signs a device out.
func (p *person) end(d *secretDevice) {
	is := func(id id.DeviceID) bool { return id == d.Device }
	p.devices = slices.DeleteFunc(p.devices, func(other *secretDevice) bool { return is(other.Device) })
	p.mu.Lock()
	p.present[p.user] = slices.DeleteFunc(p.present[p.user], is)
	p.mu.Unlock()
	d.Post(v3+"/logout", hstest.More{})
}

// check compares what each device knows with what there is.
func (p *person) check() {
	for _, d := range p.devices {
		d.check()
	}
}
