package outbox

import (
	"slices"
	"testing"
)

func FuzzReadRefs(f *testing.F) {
	for _, refs := range [][]Ref{
		nil, {{1, "!a:one.example"}}, {{5, "!a"}, {6, "!b"}, {900_000, "!a"}}, {{-4, "!old"}, {7, ""}},
	} {
		f.Add(appendRefs(nil, refs))
	}
	f.Add([]byte{2, 0, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, raw []byte) {
		refs, err := readRefs(raw)
		if err != nil {
			return
		}
		again, err := readRefs(appendRefs(nil, refs))
		if err != nil || !slices.Equal(refs, again) {
			t.Errorf("%v became %v (%v)", refs, again, err)
		}
	})
}
