package hstest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/hstest"
)

// secretDevice is a device in TestSecretsArriveWhateverHappens.
type secretDevice struct {
	*hstest.Client
	p      *person
	sleepy bool // syncs so rarely that more waits for it than fits into one answer

	heard map[stream]int // the last message of each
	base  map[stream]int // how many to all were begun when it was new
	lost  []string       // what an answer held that did not arrive

	keys  int // one-time keys that it ever made
	life  int // how often its identity was made anew
	stock int // what the server says is left to be given

	known map[id.UserID]string // devices of those whose keys it looks after
}

func newSecretDevice(p *person, client *hstest.Client) *secretDevice {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &secretDevice{
		Client: client, p: p, sleepy: p.rand.IntN(3) == 0, heard: map[stream]int{}, base: maps.Clone(p.toAll), known: map[id.UserID]string{},
	}
}

// renew gives the device a new identity. What it had to give out is void.
func (d *secretDevice) renew() {
	d.life++
	d.Post(v3+"/keys/upload", hstest.More{"device_keys": deviceKeys(d.p, d.User, d.Device)})
}

// upload adds one-time keys, and sometimes a fallback key.
func (d *secretDevice) upload() {
	oneTime := hstest.More{}
	d.p.mu.Lock()
	for range 1 + d.p.rand.IntN(3) {
		d.keys++
		name := d.keyName(d.life, d.keys)
		d.p.uploaded[name] = true
		oneTime[fmt.Sprint("signed_curve25519:", d.keys)] = hstest.More{"key": name, "of": d.Device}
	}
	d.p.mu.Unlock()
	body := hstest.More{"one_time_keys": oneTime}
	if d.p.rand.IntN(4) == 0 {
		body["fallback_keys"] = hstest.More{"signed_curve25519:fall": hstest.More{"key": "fall", "of": d.Device, "fallback": true}}
	}
	d.Post(v3+"/keys/upload", body)
}

// keyName is unique in the test.
func (d *secretDevice) keyName(life, n int) string {
	return fmt.Sprintf("%s life %d key %d", d.Device, life, n)
}

// loseAnswer syncs, but the answer gets lost on its way.
func (d *secretDevice) loseAnswer() {
	since := d.Since
	a := d.Sync()
	d.Since = since
	d.compare(messages(a))
}

// compare checks that an answer holds what the one that was lost did.
func (d *secretDevice) compare(now []string) {
	if len(now) < len(d.lost) || !slices.Equal(now[:len(d.lost)], d.lost) {
		d.p.Errorf("%s asks again and is told %q instead of %q", d.Device, now, d.lost)
	}
	d.lost = now
}

func messages(a hstest.JSON) (all []string) {
	for _, m := range a.Get("to_device.events").Array() {
		all = append(all, m.Raw)
	}
	return all
}

// follow syncs and does what clients do then. It reports whether there was news.
func (d *secretDevice) follow() (news bool) {
	fresh := d.Since == ""
	a := d.Sync()
	d.compare(messages(a))
	d.lost = nil
	for _, m := range a.Get("to_device.events").Array() {
		d.hear(m)
	}
	d.stock = int(a.Get("device_one_time_keys_count.signed_curve25519").Int())
	var ask []id.UserID
	if fresh {
		ask = d.acquaintances(a)
	}
	for _, user := range a.Get("device_lists.changed").Array() {
		ask = append(ask, id.UserID(user.Str))
	}
	for _, user := range a.Get("device_lists.left").Array() {
		delete(d.known, id.UserID(user.Str))
	}
	maps.Copy(d.known, d.query(ask))
	return len(a.Map()) > 3 // there is a token and the stock always
}

// acquaintances are those who are in a room with a new device.
func (d *secretDevice) acquaintances(a hstest.JSON) []id.UserID {
	all := []id.UserID{d.User}
	for _, room := range a.Get("rooms.join").Map() {
		members := map[id.UserID]string{}
		for _, e := range append(room.Get("state.events").Array(), room.Get("timeline.events").Array()...) {
			if e.Get("type").Str == "m.room.member" {
				members[id.UserID(e.Get("state_key").Str)] = e.Get("content.membership").Str
			}
		}
		for user, membership := range members {
			if membership == "join" {
				all = append(all, user)
			}
		}
	}
	return all
}

// query returns the devices of users with their keys.
func (d *secretDevice) query(users []id.UserID) map[id.UserID]string {
	found := map[id.UserID]string{}
	if len(users) == 0 {
		return found
	}
	ask := hstest.More{}
	for _, user := range users {
		ask[string(user)] = []string{}
	}
	for user, devices := range d.Post(v3+"/keys/query", hstest.More{"device_keys": ask}).Get("device_keys").Map() {
		var lines []string
		for device, keys := range devices.Map() {
			lines = append(lines, device+" "+keys.Get("keys").Raw)
		}
		slices.Sort(lines)
		found[id.UserID(user)] = strings.Join(lines, "\n")
	}
	return found
}

// hear takes in a message that has to be the next one of its stream.
func (d *secretDevice) hear(m hstest.JSON) {
	s := stream{id.UserID(m.Get("sender").Str), d.User, d.Device}
	if m.Get("content.all").Bool() {
		s.device = "*"
	}
	n, last := int(m.Get("content.n").Int()), d.heard[s]
	// Of those to all, some were sent while the device signed in.
	begins := s.device == "*" && last == 0 && n <= d.base[s]+1
	if n != last+1 && !begins {
		d.p.Errorf("%s gets %s after number %d", d.Device, m.Raw, last)
	}
	d.heard[s] = n
}

// catchUp syncs until there is no news.
func (d *secretDevice) catchUp() {
	for d.follow() {
	}
}

// check compares what the device knows with what there is.
func (d *secretDevice) check() {
	for _, other := range d.p.people {
		d.checkHeard(other)
		d.checkKnown(other.user)
	}
	left := 0
	for n := range d.keys {
		name := d.keyName(d.life, n+1)
		if _, given := d.p.given[name]; d.p.uploaded[name] && !given {
			left++
		}
	}
	if d.stock != left {
		d.p.Errorf("%s has %d one-time keys left, and should have %d", d.Device, d.stock, left)
	}
}

func (d *secretDevice) checkHeard(other *person) {
	one := stream{other.user, d.User, d.Device}
	if got, want := d.heard[one], other.sent[one]; got != want {
		d.p.Errorf("%s got %d messages from %s, want %d", d.Device, got, other.user, want)
	}
	all := stream{other.user, d.User, "*"}
	if got, want := d.heard[all], d.p.toAll[all]; got != want && want != d.base[all] {
		d.p.Errorf("%s got messages to all from %s up to %d, want %d", d.Device, other.user, got, want)
	}
}

func (d *secretDevice) checkKnown(other id.UserID) {
	known, knows := d.known[other]
	if shares := d.p.shares(d.User, other); knows != shares {
		d.p.Errorf("%s of %s looks after the devices of %s: %v, and shares a room: %v", d.Device, d.User, other, knows, shares)
	} else if is := d.query([]id.UserID{other})[other]; knows && known != is {
		d.p.Errorf("%s thinks that %s has the devices\n%s\nbut these are\n%s", d.Device, other, known, is)
	}
}
