package sync

import (
	"context"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"maunium.net/go/mautrix/id"

	"plenum/internal/filter"
)

// filtersCached bounds the compiled filters in memory. Clients of one kind
// all use the same, so that there are few.
const filtersCached = 1000

func newFilters() (*lru.Cache[string, *filter.Filter], error) {
	return lru.New[string, *filter.Filter](filtersCached)
}

// filter returns the filter that a client names or spells out.
//
// Spec: client-server-api#filtering
func (s *Syncer) filter(ctx context.Context, user id.UserID, name string) (*filter.Filter, error) {
	if name == "" {
		return &filter.Filter{}, nil
	}
	text := name
	if !strings.HasPrefix(name, "{") {
		stored, err := s.Data.Filter(ctx, user, name)
		if err != nil {
			return nil, err
		}
		text = string(stored)
	}
	if f, ok := s.filters.Get(text); ok {
		return f, nil
	}
	f, err := filter.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	s.filters.Add(text, f)
	return f, nil
}
