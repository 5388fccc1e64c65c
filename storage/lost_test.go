package storage_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"plenum/storage"
	"plenum/storage/storagetest"
)

// fate is what becomes of a message, and of the connection it is sent on.
type fate string

const (
	unheard  fate = "the server never hears of it"
	answered fate = "the server's answer is lost"
	halfOpen fate = "the server's answer is lost, and it does not notice"
	racing   fate = "the server is still at it when the connection is gone"
)

// line is the network between a DB and its server.
type line struct {
	net.Listener
	network, address string // of the server

	mu   sync.Mutex
	next fate // of the next message; "" lets it pass
	down bool
	kept []net.Conn // half open
}

// openThrough opens a fresh database through a line, and prepares the
// statements of add: what follows is one message per write.
func openThrough(t *testing.T) (l *line, db *storage.DB, direct storage.Config) {
	t.Helper()
	direct = storagetest.Config(t, storage.Postgres)
	server, err := pgconn.ParseConfig(direct.DSN)
	if err != nil {
		t.Fatal(err)
	}
	l = &line{}
	l.network, l.address = pgconn.NetworkAddress(server.Host, server.Port)
	if l.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(direct.DSN)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = l.Addr().String(), "sslmode=disable"
	go l.serve()
	t.Cleanup(l.close)
	db = storagetest.Reopen(t, storage.Config{DSN: u.String(), MaxConns: 2})
	makeThings(t, db)
	write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, "first") })
	return l, db, direct
}

func (l *line) serve() {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go l.carry(client)
	}
}

// will decides the fate of the next message.
func (l *line) will(f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = f
}

// breakDown makes the fate of the next message that of the line.
func (l *line) breakDown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.down = unheard, true
}

func (l *line) repair() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

func (l *line) close() {
	_ = l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.kept {
		_ = c.Close()
	}
}

// fate takes the fate of a message.
func (l *line) fate() (f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, l.next = l.next, ""
	return f
}

// connect reaches the server unless the line is down.
func (l *line) connect() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down && l.next == "" {
		return nil, errors.New("the line is down")
	}
	return net.Dial(l.network, l.address)
}

// carry carries messages and answers until one side ends or fate strikes.
func (l *line) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := l.connect()
	if err != nil {
		return
	}
	var mute atomic.Bool
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil || mute.Load() {
				_ = client.Close()
				return
			}
			_, _ = client.Write(buf[:n])
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			_ = server.Close()
			return
		}
		f := l.fate()
		mute.Store(f != "")
		if f != unheard {
			_, _ = server.Write(buf[:n])
		}
		if f == answered || f == halfOpen {
			<-heard
		}
		if f == unheard || f == answered {
			_ = server.Close()
		}
		if f != "" {
			l.mu.Lock()
			l.kept = append(l.kept, server)
			l.mu.Unlock()
			return
		}
	}
}

// Whatever happens to the commit, every member of its group gets the right
// answer: a commit that happened does not happen again, one that did not does.
func TestConnectionLostDuringCommit(t *testing.T) {
	t.Parallel()
	for _, f := range []fate{unheard, answered, halfOpen, racing} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			line, db, _ := openThrough(t)
			ctx := t.Context()
			for round := range 3 {
				line.will(f)
				name := fmt.Sprint("round ", round)
				errs := together(t, db, adding(ctx, name+" a"), func(*storage.Tx) error { return errOwn }, adding(ctx, name+" b"))
				if errs[0] != nil || !errors.Is(errs[1], errOwn) || errs[2] != nil {
					t.Errorf("round %d: got %v", round, errs)
				}
			}
			want := []string{"first", "round 0 a", "round 0 b", "round 1 a", "round 1 b", "round 2 a", "round 2 b"}
			if got := things(t, db); !slices.Equal(got, want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// terminate ends all connections to a database.
func terminate(t *testing.T, cfg storage.Config) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, cfg.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").ReadAll()
	if err != nil {
		t.Error(err)
	}
}

func TestConnectionsLostWhileIdle(t *testing.T) {
	t.Parallel()
	cfg := storagetest.Config(t, storage.Postgres)
	db := storagetest.Reopen(t, cfg)
	makeThings(t, db)
	for _, name := range []string{"a", "b"} {
		write(t, db, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, name) })
		_ = things(t, db)
		terminate(t, cfg)
	}
	if got := things(t, db); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

func TestConnectionLostInsideOfAFunction(t *testing.T) {
	t.Parallel()
	cfg := storagetest.Config(t, storage.Postgres)
	db := storagetest.Reopen(t, cfg)
	makeThings(t, db)
	for name, query := range map[string]bool{"before anything was sent": false, "after something was sent": true} {
		lose := sync.OnceFunc(func() { terminate(t, cfg) })
		errs := together(t, db, adding(t.Context(), name+" 1"), func(tx *storage.Tx) error {
			if query {
				if _, err := storage.Select[string](t.Context(), tx, `SELECT name FROM thing`); err != nil {
					return err
				}
			}
			lose()
			_, err := storage.Select[string](t.Context(), tx, `SELECT name FROM thing`)
			return errors.Join(err, add(t.Context(), tx, name+" 2"))
		})
		if errs[0] != nil || errs[1] != nil {
			t.Errorf("%s: %v", name, errs)
		}
	}
	if got := things(t, db); len(got) != 4 {
		t.Errorf("got %q", got)
	}
}

// A read that has seen something cannot go on elsewhere.
func TestConnectionLostInTheMiddleOfARead(t *testing.T) {
	t.Parallel()
	cfg := storagetest.Config(t, storage.Postgres)
	db := storagetest.Reopen(t, cfg)
	makeThings(t, db)
	err := db.Read(t.Context(), func(tx *storage.Tx) error {
		_, err := storage.Select[string](t.Context(), tx, `SELECT name FROM thing`)
		terminate(t, cfg)
		_, again := storage.Select[string](t.Context(), tx, `SELECT name FROM thing`)
		if err != nil || again == nil {
			t.Errorf("before the loss: %v, after it: %v", err, again)
		}
		return nil
	})
	if err == nil {
		t.Error("the transaction ended well")
	}
	if got := things(t, db); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

func TestConnectionsLostUnderLoad(t *testing.T) {
	t.Parallel()
	cfg := storagetest.Config(t, storage.Postgres)
	db := storagetest.Reopen(t, cfg)
	makeThings(t, db)
	var wg sync.WaitGroup
	var stop atomic.Bool
	var mu sync.Mutex
	outcome := make(map[string]error)
	for w := range 8 {
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				name := fmt.Sprint(w, " ", n)
				err := db.Write(t.Context(), adding(t.Context(), name))
				mu.Lock()
				outcome[name] = err
				mu.Unlock()
			}
		})
	}
	for range 15 {
		terminate(t, cfg)
	}
	stop.Store(true)
	wg.Wait()
	there := make(map[string]bool)
	for _, name := range things(t, db) {
		there[name] = true
	}
	failed := 0
	for name, err := range outcome {
		if there[name] != (err == nil) {
			t.Errorf("%s: there %v, outcome %v", name, there[name], err)
		}
		if err != nil {
			failed++
		}
	}
	t.Logf("%d writes, %d of them failed", len(outcome), failed)
}

func TestAnotherProcessTakesOver(t *testing.T) {
	t.Parallel()
	line, db, direct := openThrough(t)
	line.breakDown()
	doubtful := db.Submit(adding(t.Context(), "doubtful"))
	other := storagetest.Reopen(t, direct) // waits until the server notices
	line.repair()
	if err := doubtful.Wait(t.Context()); err == nil {
		t.Error("a write that nobody knows of was acknowledged")
	}
	if err := db.Write(t.Context(), adding(t.Context(), "late")); !errors.Is(err, storage.ErrInUse) {
		t.Errorf("got %v", err)
	}
	write(t, other, func(ctx context.Context, tx *storage.Tx) error { return add(ctx, tx, "of the other") })
	if got := things(t, other); !slices.Equal(got, []string{"first", "of the other"}) {
		t.Errorf("got %q", got)
	}
}

func TestCloseGivesUpOnALostServer(t *testing.T) {
	t.Parallel()
	line, db, _ := openThrough(t)
	line.breakDown()
	doubtful := db.Submit(adding(t.Context(), "doubtful"))
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := doubtful.Wait(t.Context()); err == nil {
		t.Error("the write was acknowledged")
	}
}

func TestServerAwayForAMoment(t *testing.T) {
	t.Parallel()
	line, db, _ := openThrough(t)
	line.breakDown()
	c := db.Submit(adding(t.Context(), "patient"))
	go line.repair()
	if err := c.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if got := things(t, db); !slices.Equal(got, []string{"first", "patient"}) {
		t.Errorf("got %q", got)
	}
}
