package sync

import (
	"context"
	"slices"

	"plenum/rooms"
)

// maxBuffer bounds the buffers that are kept for the next answer.
const maxBuffer = 4 << 20

// answer returns the whole answer, and whether there is anything in it that
// the client did not know.
func (t *turn) answer(ctx context.Context) (answer []byte, news bool, err error) {
	buf, ok := t.s.buffers.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	t.out.Buf = (*buf)[:0]
	defer func() {
		if *buf = t.out.Buf; cap(*buf) <= maxBuffer {
			t.s.buffers.Put(buf)
		}
	}()
	if news, err = t.writeAll(ctx); err != nil {
		return nil, false, err
	}
	return slices.Clone(t.out.Buf), news, nil
}

func (t *turn) writeAll(ctx context.Context) (news bool, err error) {
	w := &t.out
	w.Buf = append(w.Buf, '{')
	w.Name("next_batch")
	w.Text(t.next.Sync())
	bare := len(w.Buf)
	t.writeMail()
	t.globalAccountData()
	for _, part := range []func(context.Context) error{t.presence, t.inRooms, t.writeDeviceLists} {
		if err := part(ctx); err != nil {
			return false, err
		}
	}
	news = len(w.Buf) > bare
	changed, err := t.writeStock(ctx) // goes with every answer
	w.Buf = append(w.Buf, '}')
	return news || changed, err
}

// inRooms writes what happened in rooms, by what the user has to do with them.
func (t *turn) inRooms(ctx context.Context) error {
	concerned, err := t.concerned(ctx)
	if err != nil {
		return err
	}
	all := t.out.Open("rooms")
	for _, s := range []struct {
		name  string
		write func(context.Context, *rooms.Membership) error
	}{
		{"join", t.joined}, {"invite", t.invited}, {"knock", t.knocked}, {"leave", t.left},
	} {
		section := t.out.Open(s.name)
		for _, m := range concerned[s.name] {
			room := t.out.Open(string(m.Room))
			if err := s.write(ctx, m); err != nil {
				return err
			}
			t.out.Close(room)
		}
		t.out.Close(section)
	}
	t.out.Close(all)
	return nil
}
