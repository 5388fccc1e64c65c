package sync

import (
	"cmp"
	"iter"
	"slices"

	"plenum/homeserver/userdata"
)

// writeReceipts writes receipts as one event. Within it a user can have read a
// message in one way only: a receipt that knows no threads stands for those in
// threads at the same message, and what cannot stand beside another (the first
// message of a thread, read in both timelines) follows in a further event.
//
// Spec: client-server-api#receipts
func (st *stay) writeReceipts(receipts []userdata.Receipt) {
	receipts = slices.DeleteFunc(receipts, func(r userdata.Receipt) bool { return st.ignored.Has(r.User) })
	slices.SortFunc(receipts, func(a, b userdata.Receipt) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(kind(a), kind(b)), cmp.Compare(a.User, b.User), cmp.Compare(a.Thread, b.Thread))
	})
	for len(receipts) > 0 {
		var now, later []userdata.Receipt
		for same := range groups(receipts, place) {
			now = append(now, same[0])
			if same[0].Thread != "" {
				later = append(later, same[1:]...)
			}
		}
		st.out.event("m.receipt", receiptContent(now), "")
		receipts = later
	}
}

// place is what can hold one receipt in an event.
func place(r userdata.Receipt) string {
	return string(r.Event) + "\x00" + kind(r) + "\x00" + string(r.User)
}

func receiptContent(receipts []userdata.Receipt) []byte {
	w := writer{buf: []byte{'{'}}
	for atEvent := range groups(receipts, event) {
		e := w.open(event(atEvent[0]))
		for ofKind := range groups(atEvent, kind) {
			k := w.open(kind(ofKind[0]))
			for _, r := range ofKind {
				u := w.open(string(r.User))
				w.name("ts")
				w.int(r.TS)
				if r.Thread != "" {
					w.name("thread_id")
					w.text(string(r.Thread))
				}
				w.close(u)
			}
			w.close(k)
		}
		w.close(e)
	}
	return append(w.buf, '}')
}

func event(r userdata.Receipt) string { return string(r.Event) }

func kind(r userdata.Receipt) string {
	if r.Private {
		return userdata.ReadPrivate
	}
	return userdata.Read
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
