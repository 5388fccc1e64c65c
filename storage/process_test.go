package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"plenum/storage"
	"plenum/storage/storagetest"
)

// childDSN tells a process of this test binary to write to a database until
// it is killed.
const childDSN = "PLENUM_TEST_CHILD_DSN"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		if err := writeForEver(dsn); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// writeForEver adds things, and prints the name of each that was acknowledged.
func writeForEver(dsn string) error {
	ctx := context.Background()
	db, err := storage.Open(ctx, storage.Config{DSN: dsn}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	failed := make(chan error)
	for w := range 8 {
		go func() {
			for n := 0; ; n++ {
				name := fmt.Sprint(os.Getpid(), " ", w, " ", n)
				if err := db.Write(ctx, adding(ctx, name)); err != nil {
					failed <- err
				}
				fmt.Println(name)
			}
		}()
	}
	return <-failed
}

// child starts a process that writes to the database of cfg.
func child(t *testing.T, cfg storage.Config) (*exec.Cmd, io.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childDSN+"="+cfg.DSN)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

func TestSecondOneIsRefused(t *testing.T) {
	t.Parallel()
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg := storagetest.Config(t, e)
			db := storagetest.Reopen(t, cfg)
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := open(t, cfg); !errors.Is(err, storage.ErrInUse) {
					t.Errorf("in the same process: %v", err)
				}
			})
			cmd, out := child(t, cfg)
			said, err := io.ReadAll(out)
			if err := errors.Join(err, cmd.Wait()); err == nil {
				t.Errorf("a second process works with the database; it said %q", said)
			}
			wg.Wait()
			makeThings(t, db)
		})
	}
}

// Every write that was acknowledged outlives the process, whenever that ends.
func TestProcessKilledWhileWriting(t *testing.T) {
	t.Parallel()
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg := storagetest.Config(t, e)
			db := storagetest.Reopen(t, cfg)
			makeThings(t, db)
			acknowledged := make(map[string]bool)
			for range rounds {
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				killed(t, cfg, acknowledged)
				db = storagetest.Reopen(t, cfg)
				check(t, db, acknowledged)
			}
			t.Logf("%d writes were acknowledged", len(acknowledged))
		})
	}
}

// killed lets a process write for some time and kills it, and adds what was
// acknowledged.
func killed(t *testing.T, cfg storage.Config, acknowledged map[string]bool) {
	t.Helper()
	cmd, out := child(t, cfg)
	lines := bufio.NewScanner(out)
	for first := true; lines.Scan(); first = false {
		acknowledged[lines.Text()] = true
		if first {
			time.AfterFunc(rand.N(100*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait()
	if state := cmd.ProcessState; state.Exited() {
		t.Errorf("it ended by itself: %s", state)
	}
}

// check looks for lost writes, and for positions issued twice.
func check(t *testing.T, db *storage.DB, acknowledged map[string]bool) {
	t.Helper()
	type row struct {
		Pos  int64
		Name string
	}
	missing := len(acknowledged)
	var last int64
	for _, r := range query[row](t, db, `SELECT pos, name FROM thing ORDER BY pos`) {
		if r.Pos == last {
			t.Errorf("position %d was issued twice", r.Pos)
		}
		if last = r.Pos; acknowledged[r.Name] {
			missing--
		}
	}
	if missing != 0 {
		t.Errorf("%d of %d acknowledged writes are missing", missing, len(acknowledged))
	}
	if last > int64(db.Committed()) {
		t.Errorf("position %d was issued, the clock says %d", last, db.Committed())
	}
	if db.Engine() == storage.SQLite {
		if got := query[string](t, db, `SELECT integrity_check FROM pragma_integrity_check`); len(got) != 1 || got[0] != "ok" {
			t.Errorf("integrity: %q", got)
		}
	}
}
