package dump

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"plenum/internal/matrix"
	"plenum/storage"
)

// Schema is what a database consists of, and how far it is.
type Schema struct {
	Engine     string              `json:"engine"` // it came from
	Clock      matrix.Position     `json:"clock"`  // last position that was issued
	Migrations []storage.Migration `json:"migrations"`
	Tables     []Table             `json:"tables"`
}

// Table is a table, without its rows.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// Column is a column of a Table.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Kind is what a column holds besides NULL.
type Kind storage.Kind

// kindNames are the kinds as a Schema writes them.
var kindNames = map[Kind]string{
	Kind(storage.Integer): "integer", Kind(storage.Float): "float", Kind(storage.Text): "text", Kind(storage.Bytes): "bytes",
}

// MarshalText writes the kind as a word.
func (k Kind) MarshalText() ([]byte, error) {
	name, ok := kindNames[k]
	if !ok {
		return nil, fmt.Errorf("dump: kind %d", k)
	}
	return []byte(name), nil
}

// UnmarshalText reads what MarshalText writes.
func (k *Kind) UnmarshalText(text []byte) error {
	for kind, name := range kindNames {
		if name == string(text) {
			*k = kind
			return nil
		}
	}
	return fmt.Errorf("dump: unknown kind %q", text)
}

// migrationTable is made by whoever fills a database; what is in it is
// Schema.Migrations.
const migrationTable = "migration"

// readSchema describes the database as tx sees it.
func readSchema(ctx context.Context, tx *storage.Tx, e storage.Engine) (s Schema, err error) {
	s.Engine = e.String()
	if s.Clock, err = storage.Clock(ctx, tx); err != nil {
		return s, err
	}
	if s.Migrations, err = storage.Migrations(ctx, tx); err != nil {
		return s, err
	}
	s.Tables, err = readTables(ctx, tx)
	return s, err
}

// readTables lists the tables that travel as rows.
func readTables(ctx context.Context, tx *storage.Tx) ([]Table, error) {
	all, err := storage.Catalogue(ctx, tx)
	if err != nil {
		return nil, err
	}
	var tables []Table
	for _, t := range all {
		if t.Name == migrationTable {
			continue
		}
		table := Table{Name: t.Name}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, Column{c.Name, Kind(c.Kind)})
		}
		tables = append(tables, table)
	}
	return tables, nil
}

// equal reports whether rows of t fit into other. The order of the columns may
// differ.
func (t Table) equal(other Table) bool {
	return t.Name == other.Name && slices.Equal(t.sorted(), other.sorted())
}

func (t Table) sorted() []Column {
	return slices.SortedFunc(slices.Values(t.Columns), func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
}

// names lists the columns as they stand in SQL.
func (t Table) names() string {
	quoted := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		quoted[i] = storage.Quote(c.Name)
	}
	return strings.Join(quoted, ", ")
}

// query reads all rows of t.
func (t Table) query() string { return "SELECT " + t.names() + " FROM " + storage.Quote(t.Name) }

// insert adds a row to t.
func (t Table) insert() string {
	params := make([]string, len(t.Columns))
	for i := range params {
		params[i] = fmt.Sprint("$", i+1)
	}
	return "INSERT INTO " + storage.Quote(t.Name) + " (" + t.names() + ") VALUES (" + strings.Join(params, ", ") + ")"
}
