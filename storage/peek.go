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
	peekSQLite = "SELECT 1 FROM sqlite_master WHERE name = 'meta'"
	peekPG     = "SELECT to_regclass('meta') IS NOT NULL"
)

// Peek returns what Meta knows of a database, without changing it, also while
// another process has it open. It is nil where there is no database yet, or
// one that was never opened.
func Peek(ctx context.Context, cfg Config) (map[string]string, error) {
	if strings.HasPrefix(cfg.DSN, "postgres://") || strings.HasPrefix(cfg.DSN, "postgresql://") {
		return peekPostgres(ctx, cfg.DSN)
	}
	if _, err := os.Stat(cfg.DSN); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return peekFile(ctx, cfg.DSN)
}

func peekFile(ctx context.Context, path string) (meta map[string]string, err error) {
	connector, err := sqlite.NewConnector(path + "?_dqs=0&mode=rw&_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("storage: open %s: %w", path, err)
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("storage: open %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	found, err := peekRows(ctx, conn, peekSQLite, 1)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	rows, err := peekRows(ctx, conn, peekMeta, 2)
	meta = make(map[string]string, len(rows))
	for _, r := range rows {
		meta[fmt.Sprint(r[0])] = fmt.Sprint(r[1])
	}
	return meta, err
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

func peekPostgres(ctx context.Context, dsn string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	found := conn.ExecParams(ctx, peekPG, nil, nil, nil, nil).Read()
	if found.Err != nil || string(found.Rows[0][0]) != "t" {
		return nil, found.Err
	}
	result := conn.ExecParams(ctx, peekMeta, nil, nil, nil, nil).Read()
	meta := make(map[string]string, len(result.Rows))
	for _, row := range result.Rows {
		meta[string(row[0])] = string(row[1])
	}
	return meta, result.Err
}
