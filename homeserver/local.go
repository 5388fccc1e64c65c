package homeserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"plenum/config"
	"plenum/homeserver/api/admin"
	"plenum/storage"
)

// socketName is the Unix socket in the data folder on which the server hears
// the command line. Only its owner can open it.
const socketName = "admin.sock"

// NewLocal returns a client of the server that runs with a data folder.
func NewLocal(folder string) *admin.Client {
	return admin.NewClient(&http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
			err = inFolder(folder, func(dir string) error {
				conn, err = new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, socketName))
				return err
			})
			return conn, err
		},
	})
}

// maxSocketPath is how long the path of a socket may be on every system.
const maxSocketPath = 100

// inFolder calls fn with a name of the folder that is short enough for the
// path of a socket.
func inFolder(folder string, fn func(dir string) error) error {
	if len(folder)+len(socketName) < maxSocketPath || runtime.GOOS != "linux" {
		return fn(folder)
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(fn(fmt.Sprintf("/proc/self/fd/%d", d.Fd())), d.Close())
}

// listenLocal opens the socket. It is made in a closed folder and moved into
// place, so that there is no moment in which others could open it, and so that
// it takes the place of one that a crash has left.
func listenLocal(folder string) (ln net.Listener, err error) {
	err = inFolder(folder, func(dir string) error {
		closed, err := os.MkdirTemp(dir, ".s*") // mode 0700
		if err != nil {
			return err
		}
		defer func() { _ = os.Remove(closed) }()
		path := filepath.Join(closed, "s")
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		l.SetUnlinkOnClose(false) // its name changes
		err = os.Chmod(path, 0o600)
		if err == nil {
			err = os.Rename(path, filepath.Join(dir, socketName))
		}
		if err != nil {
			return errors.Join(err, l.Close(), os.Remove(path))
		}
		ln = l
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("socket for the command line: %w", err)
	}
	return ln, nil
}

// openLocal opens the socket for the command line. Without it the server runs
// all the same.
func (s *Server) openLocal(ctx context.Context) {
	ln, err := listenLocal(s.cfg.DataFolder)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "commands cannot reach this server while it runs", slog.Any("err", err))
		return
	}
	s.socket = ln
}

// closeLocal removes the socket.
func (s *Server) closeLocal() {
	_ = os.Remove(filepath.Join(s.cfg.DataFolder, socketName))
	_ = s.socket.Close() // whoever has served it has closed it
}

// serveLocal answers the command line until ctx ends.
func (s *Server) serveLocal(ctx context.Context) error {
	defer s.closeLocal()
	server := &http.Server{Handler: s.local, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(wait)
	})
	if err := server.Serve(s.socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// Dial returns a client for the command line. When a server runs with these
// settings, the client speaks to it; otherwise one is started in this process,
// without listening anywhere, until the caller is done.
func Dial(ctx context.Context, cfg config.Config, log *slog.Logger) (*admin.Client, func() error, error) {
	running := NewLocal(cfg.DataFolder)
	_, err := running.Status(ctx)
	if err == nil {
		return running, func() error { return nil }, nil
	}
	if !nobodyListens(err) {
		return nil, nil, fmt.Errorf("the server that runs with %s cannot be spoken to: %w", cfg.DataFolder, err)
	}
	cfg.Listen = config.Listen{}
	s, err := New(ctx, cfg, log)
	if errors.Is(err, storage.ErrInUse) {
		return nil, nil, errors.New("a server with this database runs, but not with this data folder or not on this machine: use the command there")
	}
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	done := func() error {
		stop()
		return <-ended
	}
	return admin.NewClient(InProcess(s.local)), done, nil
}

// nobodyListens reports whether err says that there is no socket, or one that
// a crash has left.
func nobodyListens(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}
