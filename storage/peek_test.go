package storage_test

import (
	"path/filepath"
	"testing"

	"plenum/storage"
	"plenum/storage/storagetest"
)

func TestPeekWhileOpenAndAfter(t *testing.T) {
	t.Parallel()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg := storagetest.Config(t, e)
			db := storagetest.Reopen(t, cfg)
			err := db.Write(t.Context(), func(tx *storage.Tx) error {
				return storage.SetMeta(t.Context(), tx, "server_name", "one.example")
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, when := range []string{"while it is open", "when it is closed"} {
				p, err := storage.Peek(t.Context(), cfg)
				if err != nil || p.Meta["server_name"] != "one.example" || p.Used {
					t.Errorf("%s: %+v, %v", when, p, err)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestPeekMakesNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.db")
	if p, err := storage.Peek(t.Context(), storage.Config{DSN: path}); p.Meta != nil || err != nil {
		t.Errorf("%+v, error %v", p, err)
	}
	if found, _ := filepath.Glob(path + "*"); len(found) > 0 {
		t.Errorf("it left %v", found)
	}
}
