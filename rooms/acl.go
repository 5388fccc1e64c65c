package rooms

import (
	"context"
	"net/netip"
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/internal/glob"
	"plenum/internal/matrix"
)

// ServerMayTalk reports whether the access control list of a room lets another
// server take part: send events and EDUs into it, and ask about it. Rooms that
// are not known let everybody.
//
// Spec: client-server-api#server-access-control-lists-acls-for-rooms
func (r *Rooms) ServerMayTalk(ctx context.Context, room id.RoomID, server string) (_ bool, err error) {
	defer matrix.Wrap(&err, "access of a server")
	rm, err := r.Room(ctx, room)
	if matrix.IsCode(err, matrix.NotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return rm.admits(ctx, server)
}

// admits is ServerMayTalk for a room in memory.
func (rm *Room) admits(ctx context.Context, server string) (bool, error) {
	e, err := rm.Current(ctx, "m.room.server_acl", "")
	if err != nil || e == nil {
		return true, err
	}
	return rm.r.acls.of(e).allows(server), nil
}

// aclsCached bounds the access control lists in memory.
const aclsCached = 1000

// acls keeps access control lists as they are asked for.
type acls struct {
	known *lru.Cache[matrix.Position, *serverACL]
}

func newACLs() (*acls, error) {
	known, err := lru.New[matrix.Position, *serverACL](aclsCached)
	return &acls{known}, err
}

// of returns the list that e sets.
func (a *acls) of(e *Event) *serverACL {
	if acl, ok := a.known.Get(e.Pos); ok && acl.redacted == e.RedactedBy {
		return acl
	}
	acl := parseACL(e.Content())
	acl.redacted = e.RedactedBy
	a.known.Add(e.Pos, acl)
	return acl
}

// serverACL is an access control list of a room.
type serverACL struct {
	redacted    matrix.Position // by which event; 0: it is not
	literals    bool            // servers without a name are let in
	deny, allow serverList

	mu       sync.Mutex
	answered map[string]bool // of servers that were asked about; bounded
}

// aclAnswers bounds the servers whose answer is kept.
const aclAnswers = 4096

func parseACL(content gjson.Result) *serverACL {
	return &serverACL{
		literals: content.Get("allow_ip_literals").Type != gjson.False,
		deny:     parseServerList(content.Get("deny")),
		allow:    parseServerList(content.Get("allow")),
		answered: map[string]bool{},
	}
}

// allows reports whether the list lets server in.
func (a *serverACL) allows(server string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if yes, ok := a.answered[server]; ok {
		return yes
	}
	if len(a.answered) >= aclAnswers {
		clear(a.answered)
	}
	yes := a.judge(server)
	a.answered[server] = yes
	return yes
}

func (a *serverACL) judge(server string) bool {
	host := strings.ToLower(hostOf(server))
	if !a.literals && isIPLiteral(host) {
		return false
	}
	return !a.deny.has(host) && a.allow.has(host)
}

// hostOf is a server name without its port.
//
// Spec: appendices#server-name
func hostOf(server string) string {
	if strings.HasPrefix(server, "[") {
		host, _, _ := strings.Cut(server, "]")
		return host + "]"
	}
	host, _, _ := strings.Cut(server, ":")
	return host
}

func isIPLiteral(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// serverList is a list of patterns, most of which are plain names.
type serverList struct {
	names map[string]bool
	globs []string
}

func parseServerList(list gjson.Result) serverList {
	l := serverList{names: map[string]bool{}}
	if !list.IsArray() {
		return l
	}
	list.ForEach(func(_, v gjson.Result) bool {
		switch {
		case v.Type != gjson.String:
		case strings.ContainsAny(v.Str, "*?"):
			l.globs = append(l.globs, strings.ToLower(v.Str))
		default:
			l.names[strings.ToLower(v.Str)] = true
		}
		return true
	})
	return l
}

func (l serverList) has(host string) bool {
	if l.names[host] {
		return true
	}
	for _, g := range l.globs {
		if glob.Match(g, host) {
			return true
		}
	}
	return false
}
