package push

import (
	"context"
	"strings"

	"github.com/tidwall/gjson"
	"maunium.net/go/mautrix/id"

	"plenum/rooms"
)

// subject is an event that is being judged.
type subject struct {
	ctx     context.Context
	room    *rooms.Room
	event   *rooms.Event
	content gjson.Result
	text    string // of content.body, in lower case
	hasText bool
	read    bool // text was looked for
	err     error
}

func newSubject(ctx context.Context, rm *rooms.Room, e *rooms.Event) *subject {
	return &subject{ctx: ctx, room: rm, event: e, content: e.Content()}
}

// body returns the text of the event in lower case, false when it has none.
func (s *subject) body() (string, bool) {
	if !s.read {
		s.read = true
		if body := member(s.content, "body"); body.Type == gjson.String {
			s.text, s.hasText = strings.ToLower(body.Str), true
		}
	}
	return s.text, s.hasText
}

// saysWhom reports whether the event says whom it mentions, even if nobody.
//
// Spec: client-server-api#user-and-room-mentions
func (s *subject) saysWhom() bool { return member(s.content, "m.mentions").Exists() }

// mayNotify reports whether the sender is powerful enough to notify all of
// kind, by the power levels of now.
func (s *subject) mayNotify(kind string) bool {
	levels, err := s.room.PowerLevels(s.ctx)
	if err != nil {
		s.err = err
		return false
	}
	return levels.User(s.event.Sender) >= levels.Notification(kind)
}

// person is a user for whom an event is judged.
type person struct {
	ctx  context.Context
	user id.UserID
	room *rooms.Room
	data Data
	name *string // the display name in the room, in lower case; nil: not looked up
}

// displayName returns the name of the user in the room in lower case, "" when
// there is none.
func (p *person) displayName() string {
	if p.name == nil {
		name := ""
		// Without the name nobody is called by it; the error comes up where
		// the room is read for more than this.
		if e, err := p.room.Current(p.ctx, "m.room.member", string(p.user)); err == nil && e != nil {
			name = strings.ToLower(e.Content().Get("displayname").Str)
		}
		p.name = &name
	}
	return *p.name
}
