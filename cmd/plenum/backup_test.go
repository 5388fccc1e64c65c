package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// path names a file in the folder of the shell.
func (s *shell) path(name string) string { return filepath.Join(s.dir, name) }

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	key, running, stopped := s.path("secret.key"), s.path("running.age"), s.path("stopped.age")
	public := strings.TrimSpace(s.plenum("", "backup", "key", key).succeeds(`^age1\w+\n$`).out)
	s.plenum("", "backup", "key", key).fails(exitFailed, `exists`)

	s.plenum("", "backup", "--to", public, stopped).fails(exitFailed, `no server to back up`)
	s.plenum("much to guess\n", "user", "create", "--admin", "ada").succeeds(`ada`)
	s.plenum("", "backup", "--to", public, stopped).succeeds(`stopped.age: one.example, 1 accounts, 0 events, 0 files`)
	s.plenum("", "backup", "--to", public, stopped).fails(exitFailed, `is there already`)
	_, stop := s.serve()
	s.plenum("much to guess\n", "user", "create", "bob").succeeds(`bob`)
	s.plenum("", "backup", "--to", public, running).succeeds(`running.age: one.example, 2 accounts`)
	s.plenum("", "backup", "--replace", "--to", public, stopped).succeeds(`2 accounts`)
	stop()

	s.plenum("", "backup", "verify", "--identity", key, running).succeeds(`whole[^$]*one.example[^$]*2 accounts[^$]*ed25519:p_`)
	s.plenum("", "backup", "verify", running).fails(exitUsage, `--identity`)
	s.plenum("", "backup", "verify", "--identity", running, running).fails(exitFailed, `running.age: it is encrypted itself`)
	other := s.path("other.key")
	s.plenum("", "backup", "key", other).succeeds(`age1`)
	s.plenum("", "backup", "verify", "--identity", other, running).fails(exitFailed, `encrypted to another public key`)

	s.plenum("", "restore", "--identity", key, running).fails(exitFailed, `to an empty place only`)
	fresh := newShell(t, `server_name = "one.example"`)
	fresh.plenum("", "restore", "--identity", key, running).succeeds(`restored to .*plenum-data`)
	fresh.plenum("", "user", "list").succeeds(`@ada:one.example[^$]*@bob:one.example`)
	welcome, _ := fresh.serve()
	if strings.Contains(welcome, "There is no account yet") {
		t.Errorf("it begins anew: %s", welcome)
	}

	renamed := newShell(t, `server_name = "two.example"`)
	renamed.plenum("", "restore", "--identity", key, running).fails(exitFailed, `Set server_name to "one.example"`)
	raw, err := os.ReadFile(running)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path("cut.age"), raw[:len(raw)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	empty := newShell(t, `server_name = "one.example"`)
	empty.plenum("", "restore", "--identity", key, s.path("cut.age")).fails(exitFailed, `refused`)
	if left, _ := os.ReadDir(empty.dir); len(left) != 1 {
		t.Errorf("a backup that is refused leaves %v", left)
	}
	if left, _ := filepath.Glob(s.path("*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Without settings, the working folder is where everything goes. So this test
// runs alone.
func TestRestoreOnABareMachine(t *testing.T) {
	old := newShell(t, "server_name = \"one.example\"\n[support]\npage = \"https://one.example/help\"\n")
	old.plenum("much to guess\n", "user", "create", "--admin", "ada").succeeds(`ada`)
	key, backup := old.path("secret.key"), old.path("backup.age")
	public := strings.TrimSpace(old.plenum("", "backup", "key", key).out)
	old.plenum("", "backup", "--to", public, backup).succeeds(`1 accounts`)

	bare := &shell{t: t, dir: t.TempDir(), env: []string{"PLENUM_LISTEN_CLIENT=127.0.0.1:0", "PLENUM_PASSWORDS_HASH_MEMORY=8 KiB"}}
	t.Chdir(bare.dir)
	bare.plenum("", "restore", "--identity", key, backup).succeeds(`plenum.toml\n.*plenum-before-restore.toml\nStart it: .*serve\n$`)
	bare.plenum("", "user", "list").succeeds(`^@ada:one.example`)
	bare.serve()
	text, err := os.ReadFile(bare.path("plenum-before-restore.toml"))
	if err != nil || !strings.Contains(string(text), "https://one.example/help") {
		t.Errorf("the old settings are %q, %v", text, err)
	}
}

func TestBackupGoesToThoseInTheSettings(t *testing.T) {
	t.Parallel()
	s := newShell(t, `server_name = "one.example"`)
	s.plenum("", "backup", s.path("a.age")).fails(exitUsage, `needs a public key`)
	s.plenum("", "backup", "--to", "age1", s.path("a.age")).fails(exitUsage, `"age1" is no public key`)
	s.plenum("", "backup").fails(exitUsage, `FILE`)
	public := strings.TrimSpace(s.plenum("", "backup", "key", s.path("secret.key")).out)
	s.env = append(s.env, "PLENUM_BACKUP_RECIPIENTS="+public)
	s.plenum("much to guess\n", "user", "create", "ada").succeeds(`ada`)
	streamed := s.plenum("", "backup", "-").succeeds(`^age-encryption.org`)
	if !strings.Contains(streamed.err, "1 accounts") {
		t.Errorf("it says %q", streamed.err)
	}
	if err := os.WriteFile(s.path("streamed.age"), []byte(streamed.out), 0o600); err != nil {
		t.Fatal(err)
	}
	s.plenum("", "backup", "verify", "--identity", s.path("secret.key"), s.path("streamed.age")).succeeds(`1 accounts`)
}
