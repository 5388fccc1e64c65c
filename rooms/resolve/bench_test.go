package resolve_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"plenum/rooms/resolve"
)

func userName(i int) string { return fmt.Sprintf("@user%d:one.example", i) }

// crowd makes a room of many members that forks; conflicts of them change
// their name on either side.
func crowd(b *testing.B, version string, members, conflicts int) (*room, []resolve.Map) {
	r := newRoom(b, version)
	trunk := r.start()
	ts := int64(10)
	for i := range members {
		ts++
		trunk[memberKey(userName(i))] = r.keep(r.make(trunk, member(userName(i), userName(i), "join", ts)))
	}
	heads := []resolve.Map{trunk, maps.Clone(trunk)}
	for i := range conflicts {
		for side, h := range heads {
			ts++
			a := member(userName(i), userName(i), "join", ts)
			a.content = fmt.Sprintf(`{"displayname":"%d","membership":"join"}`, side)
			h[memberKey(userName(i))] = r.keep(r.make(h, a))
		}
	}
	return r, heads
}

// BenchmarkResolve is about conflicts that are known, in an index that is
// there; whole compares all of the states as well.
func BenchmarkResolve(b *testing.B) {
	for _, members := range []int{1000, 10000} {
		for _, conflicts := range slices.Compact([]int{2, 100, members / 10, members}) {
			for _, version := range []string{"11", "12"} {
				b.Run(fmt.Sprintf("members=%d/conflicts=%d/version=%s", members, conflicts, version), func(b *testing.B) {
					r, heads := crowd(b, version, members, conflicts)
					g := r.graph()
					ctx := context.Background()
					b.Run("conflicts", func(b *testing.B) {
						agreed, list := resolve.Compare(heads...)
						b.ReportAllocs()
						for b.Loop() {
							if got, err := g.Resolve(ctx, agreed, list); err != nil || len(got) != conflicts {
								b.Fatalf("%d resolved, %v", len(got), err)
							}
						}
					})
					b.Run("whole", func(b *testing.B) {
						for b.Loop() {
							if _, err := g.ResolveMaps(ctx, heads...); err != nil {
								b.Fatal(err)
							}
						}
					})
					if version == "11" { // the library cannot do 12
						l := r.library()
						b.Run("library", func(b *testing.B) {
							for b.Loop() {
								if _, err := l.resolve(heads...); err != nil {
									b.Fatal(err)
								}
							}
						})
					}
				})
			}
		}
	}
}

// BenchmarkLoad is the making of an index.
func BenchmarkLoad(b *testing.B) {
	r, _ := crowd(b, "12", 10000, 0)
	for b.Loop() {
		r.graph()
	}
}
