package storage

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

const (
	peekMeta   = "SELECT key, value FROM meta"
	peekSQLite = "SELECT name FROM sqlite_master WHERE type = 'table'"
	peekPG     = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
	peekUsed   = "SELECT 1 WHERE EXISTS (SELECT 1 FROM event) OR EXISTS (SELECT 1 FROM account)"
)

// Peeked is what a database says of itself.
type Peeked struct {
	Meta       map[string]string // nil: there is no database, or it was never opened
	Used       bool              // there are events or accounts in it
	Empty      bool              // there is nothing at all in it
	Unfinished bool              // see OpenBlank
}

// Peek looks at a database without changing it, also while another process has
// it open.
func Peek(ctx context.Context, cfg Config) (Peeked, error) {
	if strings.HasPrefix(cfg.DSN, "postgres://") || strings.HasPrefix(cfg.DSN, "postgresql://") {
		return peekPostgres(ctx, cfg.DSN)
	}
	if _, err := os.Stat(cfg.DSN); errors.Is(err, fs.ErrNotExist) {
		return Peeked{Empty: true}, nil
	} else if err != nil {
		return Peeked{}, err
	}
	return peekFile(ctx, cfg.DSN)
}

func peekFile(ctx context.Context, path string) (p Peeked, err error) {
	connector, err := sqlite.NewConnector(path + "?_dqs=0&mode=rw&_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return p, fmt.Errorf("storage: open %s: %w", path, err)
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return p, fmt.Errorf("storage: open %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tables, err := peekRows(ctx, conn, peekSQLite, 1)
	if err != nil || !p.tables(len(tables), func(i int) string { return fmt.Sprint(tables[i][0]) }) {
		return p, err
	}
	rows, err := peekRows(ctx, conn, peekMeta, 2)
	if err != nil {
		return p, err
	}
	p.Meta = make(map[string]string, len(rows))
	for _, r := range rows {
		p.Meta[fmt.Sprint(r[0])] = fmt.Sprint(r[1])
	}
	if _, p.Unfinished = p.Meta[MetaUnfinished]; p.Unfinished {
		return p, nil
	}
	used, err := peekRows(ctx, conn, peekUsed, 1)
	p.Used = len(used) > 0
	return p, err
}

// tables notes that a database has n tables, and reports whether the storage's
// own is among them.
func (p *Peeked) tables(n int, name func(int) string) bool {
	p.Empty = n == 0
	for i := range n {
		if name(i) == "meta" {
			return true
		}
	}
	return false
}

// peekRows returns all rows of a query.
func peekRows(ctx context.Context, conn driver.Conn, sql string, columns int) (all [][]driver.Value, err error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, sql, nil)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		row := make([]driver.Value, columns)
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("storage: %w", err)
		}
		all = append(all, row)
	}
}

func peekPostgres(ctx context.Context, dsn string) (p Peeked, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return p, fmt.Errorf("storage: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	tables := conn.ExecParams(ctx, peekPG, nil, nil, nil, nil).Read()
	if tables.Err != nil || !p.tables(len(tables.Rows), func(i int) string { return string(tables.Rows[i][0]) }) {
		return p, tables.Err
	}
	result := conn.ExecParams(ctx, peekMeta, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return p, result.Err
	}
	p.Meta = make(map[string]string, len(result.Rows))
	for _, row := range result.Rows {
		p.Meta[string(row[0])] = string(row[1])
	}
	if _, p.Unfinished = p.Meta[MetaUnfinished]; p.Unfinished {
		return p, nil
	}
	used := conn.ExecParams(ctx, peekUsed, nil, nil, nil, nil).Read()
	p.Used = len(used.Rows) > 0
	return p, used.Err
}
