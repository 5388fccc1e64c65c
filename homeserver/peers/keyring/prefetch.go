package keyring

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// prefetchers is how many servers one Prefetch asks at the same time.
const prefetchers = 32

// Prefetch makes keys known that are about to be asked for: by server, the
// names of keys. It returns when all servers have answered or ctx ends. What
// cannot be had is found out by who asks for it.
func (r *Ring) Prefetch(ctx context.Context, wanted map[string][]string) error {
	var unread []string
	for server := range wanted {
		if !r.known.Contains(server) && server != r.signer.Server() {
			unread = append(unread, server)
		}
	}
	for part := range slices.Chunk(unread, 1000) {
		if err := r.load(ctx, part); err != nil {
			return err
		}
	}
	r.askAll(ctx, r.lacking(ctx, wanted))
	return ctx.Err()
}

// lacking returns the servers of which not all keys are known.
func (r *Ring) lacking(ctx context.Context, wanted map[string][]string) map[string]string {
	lacking := map[string]string{}
	for server, ids := range wanted {
		if server == r.signer.Server() {
			continue
		}
		keys, err := r.knownKeys(ctx, server)
		for _, id := range ids {
			if _, ok := keys[id]; !ok && err == nil && r.mayAsk(server, 0, false) {
				lacking[server] = id
			}
		}
	}
	return lacking
}

// askAll asks servers, many at the same time.
func (r *Ring) askAll(ctx context.Context, lacking map[string]string) {
	servers := make(chan string)
	var workers sync.WaitGroup
	for range min(prefetchers, len(lacking)) {
		workers.Go(func() {
			for server := range servers {
				_, _ = r.ask(ctx, server, lacking[server]) // found out by who asks for the key
			}
		})
	}
	for server := range maps.Keys(lacking) {
		servers <- server
	}
	close(servers)
	workers.Wait()
}
