package sliding

import (
	"context"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/homeserver/tell"
	"plenum/homeserver/userdata"
	"plenum/rooms"
)

// turn is one look at what there is to tell a client.
type turn struct {
	*ask
	given
	have        *memory
	out         tell.Writer
	memberships []rooms.Membership // at since, where the answer ends
	ignored     userdata.Users
	invitations userdata.Invitations
	chats       *directs
	matches     []*match     // the rooms that the client wants to be told of, the liveliest first
	reached     []*match     // those, and all others that belong to a list
	counts      []int        // of rooms, by list
	windows     [][]place    // what a new client looks at, by list
	kinds       []rooms.Kind // of all candidates; nil: was not needed yet
	everything  accountData  // nil: was not needed yet
}

// look takes in what there is to be told.
func (a *ask) look(ctx context.Context) (t *turn, err error) {
	t = &turn{ask: a, have: a.conn.have}
	t.given = given{
		n: a.conn.answers + 1, digest: a.question.digest,
		rooms: map[id.RoomID]*known{}, met: map[id.RoomID]meeting{},
		typing: t.have.typing, data: t.have.data, devices: t.have.devices, threads: t.have.threads,
	}
	if t.since, t.memberships, err = tell.Now(ctx, a.DB, a.Rooms, a.who.User); err != nil {
		return nil, err
	}
	if t.ignored, err = a.Data.Ignores(ctx, a.who.User); err != nil {
		return nil, err
	}
	if t.invitations, err = a.Data.Invitations(ctx, a.who.User); err != nil {
		return nil, err
	}
	if t.chats, err = a.directs(ctx, a.who.User); err != nil {
		return nil, err
	}
	return t, t.match(ctx)
}

// learn notes what the client has of a room with this answer.
func (t *turn) learn(x *match, k known) {
	x.is = &k
	t.rooms[x.m.Room] = x.is
}

// tell writes the whole answer, and reports whether there is anything in it
// for which a client would wait.
func (t *turn) tell(ctx context.Context) (answer []byte, news bool, err error) {
	buf, ok := t.buffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	t.out.Buf = (*buf)[:0]
	defer func() {
		if *buf = t.out.Buf; cap(*buf) <= maxBuffer {
			t.buffers.Put(buf)
		}
	}()
	if news, err = t.write(ctx); err != nil {
		return nil, false, err
	}
	return slices.Clone(t.out.Buf), news, nil
}

// maxBuffer bounds the buffers that are kept for the next answer.
const maxBuffer = 4 << 20

func (t *turn) write(ctx context.Context) (news bool, err error) {
	w := &t.out
	w.Buf = append(w.Buf, '{')
	w.Name("pos")
	w.Text(t.conn.pos(t.given.n, t.since))
	t.writeLists()
	w.Name("rooms")
	w.Buf = append(w.Buf, '{')
	bare := len(w.Buf)
	for _, x := range t.matches {
		if err := t.writeRoom(ctx, x); err != nil {
			return false, err
		}
	}
	news = len(w.Buf) > bare
	w.Buf = append(w.Buf, '}')
	more, err := t.writeExtensions(ctx)
	w.Buf = append(w.Buf, '}')
	return news || more, err
}

// writeLists writes how many rooms are in each list. What came first tells
// which they are, too; nobody reads that, and clients put rooms in order by
// themselves, so that it is told once.
func (t *turn) writeLists() {
	w := &t.out
	w.Name("lists")
	w.Buf = append(w.Buf, '{')
	for i, name := range t.question.names {
		list := w.Open(name)
		w.Name("count")
		w.Int(int64(t.counts[i]))
		if t.question.form.operations() {
			w.OpenList("ops")
			if t.initial() {
				t.writeOperations(i)
			}
			w.CloseList()
		}
		w.Close(list)
	}
	w.Buf = append(w.Buf, '}')
}

// writeExtensions writes what goes beside rooms, and reports whether any of it
// is news.
func (t *turn) writeExtensions(ctx context.Context) (news bool, err error) {
	w := &t.out
	w.Name("extensions")
	w.Buf = append(w.Buf, '{')
	for _, extension := range []func(context.Context) (bool, error){
		t.writeToDevice, t.writeDevices, t.writeAccountData, t.writeReceipts, t.writeTyping, t.writeThreads, t.writeSticky,
	} {
		isNews, err := extension(ctx)
		if err != nil {
			return false, err
		}
		news = news || isNews
	}
	w.Buf = append(w.Buf, '}')
	return news, nil
}

// topics are what concerns the client: without lists and device lists, of all
// rooms only those that it subscribed to.
func (t *turn) topics() []string {
	q := t.question
	return tell.Topics(t.who.User, t.memberships, func(room id.RoomID) bool {
		_, subscribed := q.rooms[room]
		return subscribed || len(q.lists) > 0 || q.extensions.E2EE
	})
}
