package storagetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"
)

// watch runs the server until the process that it was started for has ended,
// however that came. A process is known by its number and its start time.
const watch = `
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=500 -c fsync="$5" -c full_page_writes="$5" \
	-c wal_level=minimal -c max_wal_size=256MB -c max_wal_senders=0 -c autovacuum=off -c max_parallel_workers=0 >"$2/log" 2>&1 &
server=$!
while kill -0 $server 2>/dev/null && grep -qs " $4 " "/proc/$3/stat"; do sleep 1; done
kill -QUIT $server 2>/dev/null
wait $server
rm -rf "$2"
`

// private returns the address of a server in a temporary folder, and starts it
// unless another test binary of the same "go test" did. It listens on a socket
// in the folder, which only its user can reach.
func private(ctx context.Context) (string, error) {
	bin, err := programs()
	if err != nil {
		return "", err
	}
	who, err := account()
	if err != nil {
		return "", err
	}
	pid, start, err := anchor()
	if err != nil {
		return "", err
	}
	dir := fmt.Sprintf("%s/plenum-test-%d-%d-%s", place(), os.Getuid(), pid, start)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	dsn := "postgres://plenum@/postgres?host=" + dir
	ready := filepath.Join(dir, "ready")
	if _, err := os.Stat(ready); err == nil {
		return dsn, nil
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return "", err
		}
	}
	if err := run(ctx, bin, dir, who, pid, start); err != nil {
		return "", err
	}
	if err := await(ctx, dsn); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return "", fmt.Errorf("private PostgreSQL: %w\n%s", err, log)
	}
	return dsn, os.WriteFile(ready, nil, 0o600)
}

// place returns where the server's folder goes: into memory where there is
// plenty, because databases come and go with every test. os.TempDir may be out
// of reach for the server's user, and too long for the address of a socket.
func place() string {
	var fs unix.Statfs_t
	if !benchmarks() && unix.Statfs("/dev/shm", &fs) == nil && fs.Bavail*uint64(fs.Bsize) > 2<<30 {
		return "/dev/shm"
	}
	return "/tmp"
}

// programs returns the folder with the programs of the newest server.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	newest, bin := 0, ""
	for _, path := range found {
		dir := filepath.Dir(path)
		if n, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && n > newest {
			newest, bin = n, dir
		}
	}
	if bin == "" {
		return "", errNone
	}
	return bin, nil
}

// account returns whom the server runs as when we are root, as whom it
// refuses to run.
func account() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// anchor returns the process with whose end the server ends: the go command
// that runs this test, or else this test. Benchmarks are for themselves, on a
// server that flushes to the disk.
func anchor() (pid int, start string, err error) {
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", os.Getppid())); err == nil && string(name) == "go\n" && !benchmarks() {
		pid = os.Getppid()
	} else {
		pid = os.Getpid()
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, "", err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // of the program's name
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return 0, "", fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	return pid, fields[19], nil
}

// benchmarks reports whether benchmarks are to run.
func benchmarks() bool {
	f := flag.Lookup("test.bench")
	return f != nil && f.Value.String() != ""
}

// lock waits for the lock on a file.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}

// run makes the data folder and starts the server below its watch. The watch
// has a session of its own, so that no signal of a terminal reaches it.
func run(ctx context.Context, bin, dir string, who *syscall.Credential, pid int, start string) error {
	initdb := exec.CommandContext(ctx, bin+"/initdb", "-D", dir+"/data", "-U", "plenum", "--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync")
	initdb.Dir = dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	fsync := "off"
	if benchmarks() {
		fsync = "on"
	}
	sh := exec.Command("/bin/sh", "-c", watch, "sh", bin, dir, strconv.Itoa(pid), start, fsync)
	sh.Dir = dir
	sh.SysProcAttr = &syscall.SysProcAttr{Credential: who, Setsid: true}
	if err := sh.Start(); err != nil {
		return err
	}
	return sh.Process.Release()
}

// await returns when the server answers.
func await(ctx context.Context, dsn string) error {
	for {
		conn, err := pgconn.Connect(ctx, dsn)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
