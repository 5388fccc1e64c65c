package userdata

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
)

// AppendReceiptEvent appends the m.receipt event that tells of list. Where a
// user has receipts with and without a thread at one event, the format has
// place for one, and it is the one without.
//
// Spec: client-server-api#mreceipt, with MSC4102
func AppendReceiptEvent(dst []byte, list []Receipt) []byte {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Receipt) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(kindOf(a), kindOf(b)), cmp.Compare(a.User, b.User), cmp.Compare(a.Thread, b.Thread))
	})
	dst = append(dst, `{"content":{`...)
	for i := range list {
		r := &list[i]
		newEvent := i == 0 || list[i-1].Event != r.Event
		newKind := newEvent || list[i-1].Private != r.Private
		switch {
		case !newKind && list[i-1].User == r.User:
			continue
		case newEvent:
			if i > 0 {
				dst = append(dst, `}},`...)
			}
			dst = gjson.AppendJSONString(dst, string(r.Event))
			dst = append(dst, ':', '{')
		case newKind:
			dst = append(dst, '}', ',')
		default:
			dst = append(dst, ',')
		}
		if newKind {
			dst = append(append(append(dst, '"'), kindOf(*r)...), `":{`...)
		}
		dst = appendReceipt(dst, r)
	}
	if len(list) > 0 {
		dst = append(dst, '}', '}')
	}
	return append(dst, `},"type":"m.receipt"}`...)
}

func appendReceipt(dst []byte, r *Receipt) []byte {
	dst = gjson.AppendJSONString(dst, string(r.User))
	dst = append(dst, `:{"ts":`...)
	dst = strconv.AppendInt(dst, r.TS, 10)
	if r.Thread != "" {
		dst = append(dst, `,"thread_id":`...)
		dst = gjson.AppendJSONString(dst, string(r.Thread))
	}
	return append(dst, '}')
}

func kindOf(r Receipt) string {
	if r.Private {
		return ReadPrivate
	}
	return Read
}
