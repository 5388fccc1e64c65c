package eventlog

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"

	"plenum/storage"
)

// namesCached bounds the names held in memory, about 100 bytes each.
const namesCached = 100_000

// names interns strings (user ids, event types, state keys) as integers.
type names struct {
	byText *lru.Cache[string, int64]
}

func newNames() (*names, error) {
	byText, err := lru.New[string, int64](namesCached)
	if err != nil {
		return nil, err
	}
	return &names{byText}, nil
}

func (n *names) remember(nid int64, text string) {
	n.byText.Add(text, nid)
}

// find returns the number of text, or false when it was never seen.
func (n *names) find(ctx context.Context, tx *storage.Tx, text string) (int64, bool, error) {
	if nid, ok := n.byText.Get(text); ok {
		return nid, true, nil
	}
	nid, ok, err := storage.One[int64](ctx, tx, `SELECT nid FROM name WHERE text = $1`, text)
	if err == nil && ok {
		// Inside a write transaction the row may be of this very transaction,
		// which can still roll back.
		tx.OnCommit(func() { n.remember(nid, text) })
	}
	return nid, ok, err
}

// findAll returns the numbers of those of texts that were ever seen.
func (n *names) findAll(ctx context.Context, tx *storage.Tx, texts []string) ([]int64, error) {
	nids := make([]int64, 0, len(texts))
	for _, text := range texts {
		nid, ok, err := n.find(ctx, tx, text)
		if err != nil {
			return nil, err
		}
		if ok {
			nids = append(nids, nid)
		}
	}
	return nids, nil
}

// intern returns the number of text and gives it one when it has none.
func (n *names) intern(ctx context.Context, tx *storage.Tx, text string) (int64, error) {
	nid, ok, err := n.find(ctx, tx, text)
	if err != nil || ok {
		return nid, err
	}
	nid = int64(tx.Position())
	if err := tx.Exec(ctx, `INSERT INTO name (nid, text) VALUES ($1, $2)`, nid, text); err != nil {
		return 0, err
	}
	tx.OnCommit(func() { n.remember(nid, text) })
	return nid, nil
}
