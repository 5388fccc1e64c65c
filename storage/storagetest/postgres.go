package storagetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"plenum/storage"
	"plenum/storage/migrations"
)

// startTime bounds the start of a server and the making of the template.
const startTime = time.Minute

// server is a PostgreSQL server, with a database that holds the schema and is
// copied for each test.
type server struct {
	url      *url.URL
	template string
}

// cluster returns the server for the tests of this process.
var cluster = sync.OnceValues(func() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	dsn := os.Getenv("PLENUM_TEST_POSTGRES")
	if dsn == "" {
		var err error
		if dsn, err = private(ctx); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("PLENUM_TEST_POSTGRES: %w", err)
	}
	s := &server{url: u}
	if s.template, err = templateName(); err != nil {
		return nil, err
	}
	return s, s.makeTemplate(ctx)
})

// dsn names a database of the server.
func (s *server) dsn(database string) string {
	u := *s.url
	u.Path = "/" + database
	return u.String()
}

// exec runs statements, each in a transaction of its own, and returns the rows
// of the last.
func (s *server) exec(ctx context.Context, statements ...string) (rows [][][]byte, err error) {
	conn, err := pgconn.Connect(ctx, s.url.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range statements {
		results, err := conn.Exec(ctx, sql).ReadAll()
		if err != nil {
			return nil, fmt.Errorf("%w in %s", err, sql)
		}
		rows = results[len(results)-1].Rows
	}
	return rows, nil
}

// create makes a database that holds the schema.
func (s *server) create(ctx context.Context) (string, error) {
	name := "plenum_test_" + strings.ToLower(rand.Text())
	_, err := s.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+s.template)
	return name, err
}

// createEmpty is create without the schema.
func (s *server) createEmpty(ctx context.Context) (string, error) {
	name := "plenum_test_" + strings.ToLower(rand.Text())
	_, err := s.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
	return name, err
}

func (s *server) drop(ctx context.Context, name string) error {
	_, err := s.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

// templateName is a name for the schema as it is now.
func templateName() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(migrations.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(migrations.Files(), path)
		fmt.Fprintf(h, "%s %d %s", path, len(raw), raw)
		return err
	})
	return "plenum_template_" + hex.EncodeToString(h.Sum(nil)[:8]), err
}

// makeTemplate makes the template unless another process has made it. Where
// the server can, it is made for a language that sorts unlike bytes do, so
// that the tests show that nothing depends on that.
func (s *server) makeTemplate(ctx context.Context) error {
	conn, err := pgconn.Connect(ctx, s.url.String())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	exec := func(sql string) ([]*pgconn.Result, error) { return conn.Exec(ctx, sql).ReadAll() }
	found, err := exec("SELECT pg_advisory_lock(hashtext('" + s.template + "')); " +
		"SELECT 1 FROM pg_database WHERE datname = '" + s.template + "'")
	if err != nil || len(found[1].Rows) > 0 {
		return err
	}
	draft := s.template + "_draft"
	if _, err := exec("DROP DATABASE IF EXISTS " + draft); err != nil {
		return err
	}
	create := "CREATE DATABASE " + draft + " TEMPLATE template0 ENCODING 'UTF8' "
	if _, err := exec(create + "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"); err != nil {
		if _, err := exec(create + "LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
			return err
		}
	}
	db, err := storage.Open(ctx, storage.Config{DSN: s.dsn(draft)}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	return renamed(ctx, conn, draft, s.template)
}

// renamed renames a database as soon as the server has noticed that nobody is
// connected to it any more.
func renamed(ctx context.Context, conn *pgconn.PgConn, from, to string) error {
	for {
		_, err := conn.Exec(ctx, "ALTER DATABASE "+from+" RENAME TO "+to).ReadAll()
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "55006" { // object_in_use
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
