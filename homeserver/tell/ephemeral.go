package tell

import (
	"cmp"
	"iter"
	"slices"

	"maunium.net/go/mautrix/id"

	"plenum/storage/userdata"
)

// Typing is the content of an event that says who types.
//
// Spec: client-server-api#typing-notifications
func Typing(users []id.UserID, ignores func(id.UserID) bool) []byte {
	w := Writer{Buf: []byte(`{"user_ids":[`)}
	for _, user := range users {
		if !ignores(user) {
			w.Text(string(user))
		}
	}
	return append(w.Buf, `]}`...)
}

// Receipts are the contents of the events that say who has read how far: as a
// rule of one. Within it a user can have read a message in one way only: a
// receipt that knows no threads stands for those in threads at the same
// message, and what cannot stand beside another (the first message of a
// thread, read in both timelines) follows in a further event.
//
// Spec: client-server-api#receipts
func Receipts(receipts []userdata.Receipt, ignores func(id.UserID) bool) iter.Seq[[]byte] {
	receipts = slices.DeleteFunc(receipts, func(r userdata.Receipt) bool { return ignores(r.User) })
	slices.SortFunc(receipts, func(a, b userdata.Receipt) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(kind(a), kind(b)), cmp.Compare(a.User, b.User), cmp.Compare(a.Thread, b.Thread))
	})
	return func(yield func([]byte) bool) {
		for len(receipts) > 0 {
			var now, later []userdata.Receipt
			for same := range groups(receipts, place) {
				now = append(now, same[0])
				if same[0].Thread != "" {
					later = append(later, same[1:]...)
				}
			}
			if !yield(receiptContent(now)) {
				return
			}
			receipts = later
		}
	}
}

// place is what can hold one receipt in an event.
func place(r userdata.Receipt) string {
	return string(r.Event) + "\x00" + kind(r) + "\x00" + string(r.User)
}

func receiptContent(receipts []userdata.Receipt) []byte {
	w := Writer{Buf: []byte{'{'}}
	for atEvent := range groups(receipts, event) {
		e := w.Open(event(atEvent[0]))
		for ofKind := range groups(atEvent, kind) {
			k := w.Open(kind(ofKind[0]))
			for _, r := range ofKind {
				u := w.Open(string(r.User))
				w.Name("ts")
				w.Int(r.TS)
				if r.Thread != "" {
					w.Name("thread_id")
					w.Text(string(r.Thread))
				}
				w.Close(u)
			}
			w.Close(k)
		}
		w.Close(e)
	}
	return append(w.Buf, '}')
}

func event(r userdata.Receipt) string { return string(r.Event) }

func kind(r userdata.Receipt) string {
	if r.Private {
		return "m.read.private"
	}
	return "m.read"
}

// groups gives the runs of receipts that have the same key.
func groups(receipts []userdata.Receipt, key func(userdata.Receipt) string) iter.Seq[[]userdata.Receipt] {
	return func(yield func([]userdata.Receipt) bool) {
		for len(receipts) > 0 {
			n := 1
			for n < len(receipts) && key(receipts[n]) == key(receipts[0]) {
				n++
			}
			if !yield(receipts[:n]) {
				return
			}
			receipts = receipts[n:]
		}
	}
}
