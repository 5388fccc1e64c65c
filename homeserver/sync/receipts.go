package sync

import (
	"cmp"
	"iter"
	"slices"

	"plenum/homeserver/userdata"
)

// writeReceipts writes one event for each thread: within one event, a user can
// have read a message in one way only.
//
// Spec: client-server-api#receipts
func (st *stay) writeReceipts(receipts []userdata.Receipt) {
	receipts = slices.DeleteFunc(receipts, func(r userdata.Receipt) bool { return st.ignored.Has(r.User) })
	slices.SortFunc(receipts, func(a, b userdata.Receipt) int {
		return cmp.Or(cmp.Compare(a.Thread, b.Thread), cmp.Compare(a.Event, b.Event), cmp.Compare(kind(a), kind(b)), cmp.Compare(a.User, b.User))
	})
	for inThread := range groups(receipts, thread) {
		st.out.event("m.receipt", receiptContent(inThread), "")
	}
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

func thread(r userdata.Receipt) string { return string(r.Thread) }

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
