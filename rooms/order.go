package rooms

import (
	"cmp"
	"context"
	"slices"

	"plenum/internal/matrix"
)

// sortBy sorts items by a key, smallest first.
func sortBy[T any, K cmp.Ordered](items []T, key func(T) K) {
	slices.SortFunc(items, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

// inOrder returns the events at positions in log order.
func (r *Rooms) inOrder(ctx context.Context, positions []matrix.Position) ([]*Event, error) {
	byPos, err := r.Events(ctx, positions)
	if err != nil {
		return nil, err
	}
	out := make([]*Event, 0, len(byPos))
	for _, e := range byPos {
		out = append(out, e)
	}
	sortBy(out, func(e *Event) matrix.Position { return e.Pos })
	return out, nil
}
