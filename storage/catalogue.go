package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Table is a table as the database itself describes it.
type Table struct {
	Name    string
	Columns []Column
}

// Column is a column of a Table.
type Column struct {
	Name string
	Kind Kind // what it holds besides NULL
}

// The catalogues of both engines, with a row for each column. Tables that an
// engine keeps for itself are not in them.
const (
	catalogueSQLite = `SELECT t.name AS tab, c.name, c.type FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
		WHERE t.schema = 'main' AND t.type IN ('table', 'virtual') AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY t.name, c.cid`
	cataloguePostgres = `SELECT CAST(c.relname AS TEXT), CAST(a.attname AS TEXT), CAST(t.typname AS TEXT)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY CAST(c.relname AS TEXT) COLLATE "C", a.attnum`
)

// columnKinds are the types of columns that our schema has.
var columnKinds = map[string]Kind{
	"BIGINT": Integer, "SMALLINT": Integer, "INTEGER": Integer, "TEXT": Text, "BLOB": Bytes, "DOUBLE PRECISION": Float,
	"INT8": Integer, "INT2": Integer, "INT4": Integer, "BYTEA": Bytes, "FLOAT8": Float,
}

// Quote writes the name of a table or a column so that it can stand in SQL.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Catalogue lists the tables of the database by name, with what the storage
// itself keeps in them: the tables migration, clock and meta.
func Catalogue(ctx context.Context, tx *Tx) ([]Table, error) {
	type column struct{ Table, Name, Type string }
	sql := catalogueSQLite
	if tx.db.engine == Postgres {
		sql = cataloguePostgres
	}
	columns, err := Select[column](ctx, tx, sql)
	if err != nil {
		return nil, err
	}
	var tables []Table
	for _, c := range columns {
		kind, known := columnKinds[strings.ToUpper(c.Type)]
		if !known {
			return nil, fmt.Errorf("storage: column %s of table %s has the type %s, which is not one of ours", c.Name, c.Table, c.Type)
		}
		i := len(tables) - 1
		if i < 0 || tables[i].Name != c.Table {
			tables = append(tables, Table{Name: c.Table})
			i++
		}
		tables[i].Columns = append(tables[i].Columns, Column{c.Name, kind})
	}
	return slices.Clip(tables), nil
}
