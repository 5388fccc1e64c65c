package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"filippo.io/age"

	"plenum/storage"
)

// childWork tells a process of this test binary to restore what it reads.
const childWork = "PLENUM_TEST_RESTORE"

// work is what the child is to do.
type work struct {
	Target   Target
	Backup   string // file
	Identity string
	Stall    int // after how many bytes there will be no more input
}

// stalled is what the child says then.
const stalled = "stalled"

func TestMain(m *testing.M) {
	if raw := os.Getenv(childWork); raw != "" {
		if err := restoreHalf(raw); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// restoreHalf restores a backup that is given to it through a pipe, and tells
// how far it is.
func restoreHalf(raw string) error {
	var job work
	if err := json.Unmarshal([]byte(raw), &job); err != nil {
		return err
	}
	identity, err := age.ParseX25519Identity(job.Identity)
	if err != nil {
		return err
	}
	f, err := os.Open(job.Backup)
	if err != nil {
		return err
	}
	ctx, identities := context.Background(), []age.Identity{identity}
	report, err := Verify(ctx, f, identities)
	if err != nil {
		return err
	}
	place, err := Claim(ctx, job.Target)
	if err != nil {
		return err
	}
	in := &reading{r: os.Stdin, at: job.Stall, then: sync.OnceFunc(func() { fmt.Println(stalled) })}
	return place.Restore(ctx, in, identities, report, nil)
}

// A process that is killed leaves what nobody can use, and the next restore
// begins anew.
func TestKilledRestoreIsBegunAnew(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e storage.Engine) {
		w := newWorld(t, storage.SQLite)
		w.fill(40)
		backup := w.backup()
		target := newTarget(t, e)
		file := filepath.Join(t.TempDir(), "backup.age")
		if err := os.WriteFile(file, backup, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, part := range []int{1, 5, 9} {
			w.killedAfter(work{target, file, w.identity.String(), len(backup) * part / 10}, backup)
			if _, err := os.Stat(filepath.Join(target.Folder, Marker)); err != nil {
				t.Errorf("nothing marks it: %v", err)
			}
		}
		place, err := Claim(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if !place.Again {
			t.Error("it does not say that something was left")
		}
		if err := place.Undo(); err != nil {
			t.Fatal(err)
		}
		if err := w.restore(target, backup); err != nil {
			t.Fatal(err)
		}
		w.wantRestored(target)
	})
}

// killedAfter runs a child, and kills it when it has read as much as it gets.
func (w *world) killedAfter(job work, backup []byte) {
	w.t.Helper()
	raw, err := json.Marshal(job)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childWork+"="+string(raw))
	in, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := io.Copy(in, bytes.NewReader(backup[:job.Stall])); err != nil {
		w.t.Errorf("the child takes no more: %v", err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); said != stalled+"\n" {
		w.t.Errorf("the child says %q, %v", said, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		w.t.Error(err)
	}
	_ = cmd.Wait() // it was killed
}
