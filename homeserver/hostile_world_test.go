package homeserver_test

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"plenum/homeserver/hstest"
)

// secret is in everything of ada's that is nobody else's business.
const secret = "what-only-ada-knows"

// hostileWorld is the server that is attacked, with ada, who does no harm and
// has one of everything.
type hostileWorld struct {
	s     *hstest.Server
	ada   *hstest.Client
	names map[string]string // of what is hers, by the parameter that names it
	open  map[string]string // of what she has in a room for everybody
	next  *atomic.Int64
}

func newHostileWorld(t *testing.T, s *hstest.Server) *hostileWorld {
	t.Helper()
	ada := s.Client("ada")
	w := &hostileWorld{s: s, ada: ada, next: new(atomic.Int64)}
	ada.Put(v3+"/devices/"+url.PathEscape(string(ada.Device)), hstest.More{"display_name": secret})
	ada.Put(hstest.Path(v3, "user", ada.User, "account_data", "org.example.notes"), hstest.More{"text": secret})
	w.names = belongings(ada, secret)
	w.open = belongings(ada, "nothing special")
	ada.SetState(roomOf(w.open), "m.room.join_rules", "", hstest.More{"join_rule": "public"})
	return w
}

// belongings gives who one of everything that a path can name.
func belongings(who *hstest.Client, text string) map[string]string {
	local := fmt.Sprintf("%s-%d", who.User.Localpart(), len(text))
	room := who.CreateRoom(hstest.Private, hstest.More{"name": text, "topic": text, "room_alias_name": local})
	said := who.Say(room, text)
	who.SayInThread(room, said, text)
	who.React(room, said, "👍")
	who.Edit(room, said, text+", edited")
	who.Put(hstest.Path(v3, "user", who.User, "rooms", room, "account_data", "org.example.notes"), hstest.More{"text": text})
	who.Put(hstest.Path(v3, "user", who.User, "rooms", room, "tags", "u."+text), hstest.More{"order": 0.5})
	who.Put(hstest.Path(v3, "pushrules", "global", "content", "rule-"+who.User.Localpart()), hstest.More{"pattern": text, "actions": []string{"notify"}})
	filter := who.Post(hstest.Path(v3, "user", who.User, "filter"), hstest.More{"room": hstest.More{"rooms": []any{room}, "timeline": hstest.More{"types": []string{text}}}}).Get("filter_id").Str
	version := who.Post(v3+"/room_keys/version", hstest.More{"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": hstest.More{"public_key": text}}).Get("version").Str
	who.Put(hstest.Path(v3, "room_keys", "keys", room, "session")+"?version="+version, hstest.More{
		"first_message_index": 1, "forwarded_count": 0, "is_verified": true, "session_data": hstest.More{"ciphertext": text},
	})
	mxc := strings.Split(strings.TrimPrefix(who.Upload("text/plain", "a file of anybody's"), "mxc://"), "/")
	return map[string]string{
		"userId": string(who.User), "roomId": string(room), "eventId": string(said), "deviceId": string(who.Device),
		"roomAlias": "#" + local + ":one.example", "roomIdOrAlias": string(room),
		"filterId": filter, "version": version, "sessionId": "session", "serverName": mxc[0], "mediaId": mxc[1], "fileName": "file.txt",
		"eventType": "m.room.message", "stateKey": "", "txnId": "txn", "relType": "m.thread", "type": "org.example.notes", "tag": "u.tag",
		"keyName": "displayname", "receiptType": "m.read", "kind": "content", "ruleId": "rule-" + who.User.Localpart(),
		"protocol": "irc", "authType": "m.login.password", "token": "token",
	}
}

func roomOf(names map[string]string) roomID { return roomID(names["roomId"]) }

// attackers are somebody with rooms of their own, who is in one of ada's too,
// and somebody who just has made an account.
func (w *hostileWorld) attackers(t *testing.T) []*attacker {
	t.Helper()
	bob := &attacker{w: w, sociable: true}
	eve := &attacker{w: w}
	bob.again(t)
	eve.again(t)
	return []*attacker{bob, eve}
}

// nobody has no account.
func (w *hostileWorld) nobody(*testing.T) *attacker { return &attacker{w: w, own: w.names} }

// attacker is who sends rubbish.
type attacker struct {
	w        *hostileWorld
	sociable bool
	client   *hstest.Client // nil: nobody
	own      map[string]string
	txn      int
}

// again makes a new account, because the last one is no more.
func (a *attacker) again(t *testing.T) {
	t.Helper()
	a.client = a.w.s.Client(fmt.Sprintf("attacker%d", a.w.next.Add(1))).In(t)
	a.own = maps.Clone(a.w.names)
	a.own["userId"], a.own["deviceId"] = string(a.client.User), string(a.client.Device)
	if a.sociable {
		a.own = belongings(a.client, "mine")
		a.client.Join(roomOf(a.w.open))
	}
}

// names are values for the parameters of paths that lead to what is the
// attacker's own. Transactions are new ones.
func (a *attacker) names() map[string]string {
	a.txn++
	return with(a.own, "txnId", fmt.Sprintf("txn%d", a.txn))
}

// others are values for one parameter that lead to what is somebody else's.
func (a *attacker) others(name string) []string {
	return []string{a.w.names[name], a.w.open[name]}
}

// wantUntouched wants ada to find everything of hers as she left it.
func (w *hostileWorld) wantUntouched(t *testing.T) {
	t.Helper()
	ada := w.ada.In(t)
	ada.Since = ""
	text := ada.Sync().Raw
	for what, want := range map[string]string{
		"her private room":       w.names["roomId"],
		"her account data":       "org.example.notes",
		"the name of her room":   `{"name":"` + secret + `"}`,
		"what she said":          secret + ", edited",
		"the tag of her room":    "u." + secret,
		"the room for everybody": w.open["roomId"],
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is gone", what)
		}
	}
	if name := ada.Get(hstest.Path(v3, "devices", ada.Device)).Get("display_name").Str; name != secret {
		t.Errorf("her device is called %q", name)
	}
	if m := ada.Members(roomOf(w.names)); len(m) != 1 {
		t.Errorf("in her private room: %v", m)
	}
	if name := ada.Get(hstest.Path(v3, "profile", ada.User)).Get("displayname").Str; name != "ada" {
		t.Errorf("she is called %q", name)
	}
	if room := ada.Get(hstest.Path(v3, "directory", "room", w.names["roomAlias"])).Get("room_id").Str; room != w.names["roomId"] {
		t.Errorf("her alias leads to %q", room)
	}
	if v := ada.Get(v3 + "/room_keys/version").Get("count").Int(); v == 0 {
		t.Error("her backup of keys is empty")
	}
	said := ada.Say(roomOf(w.names), "all is well")
	ada.WaitFor(roomOf(w.names), said)
}

// parameters are the names of the parameters of a pattern.
func parameters(pattern string) []string {
	var names []string
	for _, m := range parameter.FindAllStringSubmatch(pattern, -1) {
		names = append(names, m[1])
	}
	return names
}

// fill puts values, escaped, into a pattern. What begins with a percent sign is
// escaped already.
func fill(pattern string, values map[string]string) string {
	return parameter.ReplaceAllStringFunc(pattern, func(p string) string {
		v := values[parameter.FindStringSubmatch(p)[1]]
		if strings.HasPrefix(v, "%") {
			return v
		}
		return url.PathEscape(v)
	})
}

// with is values with one of them replaced.
func with(values map[string]string, name, value string) map[string]string {
	values = maps.Clone(values)
	values[name] = value
	return values
}
