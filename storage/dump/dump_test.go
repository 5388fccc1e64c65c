package dump_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"plenum/storage"
	"plenum/storage/dump"
	"plenum/storage/storagetest"
)

// taken is a database as rows.
type taken struct {
	schema  dump.Schema
	rows    [][]byte // of each table, one behind the other
	digests []dump.Digest
}

func take(t *testing.T, db *storage.DB) taken {
	t.Helper()
	var got taken
	err := dump.Read(t.Context(), db, func(s dump.Schema) error {
		got.schema, got.rows, got.digests = s, make([][]byte, len(s.Tables)), make([]dump.Digest, len(s.Tables))
		return nil
	}, func(table int, row []byte) error {
		if n, err := dump.CheckRow(got.schema.Tables[table].Columns, row); err != nil || n != len(row) {
			t.Errorf("row %x of %s: length %d, %v", row, got.schema.Tables[table].Name, n, err)
		}
		got.rows[table] = append(got.rows[table], row...)
		got.digests[table].Add(row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// fill puts rows of all kinds into a few tables.
func fill(t *testing.T, db *storage.DB) {
	t.Helper()
	ctx, random := t.Context(), rand.New(rand.NewPCG(1, 2))
	bytes := func() []byte {
		b := make([]byte, random.IntN(40))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	err := db.Write(ctx, func(tx *storage.Tx) error {
		for i := range 300 {
			id := fmt.Sprintf("@üser%d'\"\\%c:one.example", i, rune(0x10000+i))
			var password any
			if i%3 == 0 {
				password = fmt.Sprint("hash", i)
			}
			if err := errors.Join(
				tx.Exec(ctx, `INSERT INTO account (user_id, password, created) VALUES ($1, $2, $3)`, id, password, random.Int64()-random.Int64()),
				tx.Exec(ctx, `INSERT INTO profile_field (user_id, name, value) VALUES ($1, '', $2)`, id, bytes()),
				tx.Exec(ctx, `INSERT INTO event (pos, room, event_id, type, sender, hidden, replaces, json) VALUES ($1, $2, $3, 0, 0, $4, $5, $6)`,
					tx.Position(), math.MaxInt64-int64(i), []byte(id), i%7, nil, bytes()),
			); err != nil {
				return err
			}
		}
		return storage.SetMeta(ctx, tx, "server_name", "one.example")
	})
	if err != nil {
		t.Fatal(err)
	}
}

// load fills a database with what was taken.
func load(t *testing.T, cfg storage.Config, from taken) {
	t.Helper()
	l, err := dump.NewLoader(t.Context(), cfg, from.schema)
	if err != nil {
		t.Fatal(err)
	}
	for i, rows := range from.rows {
		if err := l.Rows(t.Context(), i, rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Check(t.Context(), from.digests); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(t.Context(), func(*storage.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// across runs fn for each way between the engines.
func across(t *testing.T, fn func(t *testing.T, from, to storage.Engine)) {
	t.Helper()
	for _, from := range storagetest.Engines {
		for _, to := range storagetest.Engines {
			t.Run(from.String()+" to "+to.String(), func(t *testing.T) {
				t.Parallel()
				fn(t, from, to)
			})
		}
	}
}

func TestEverythingArrivesOnEitherEngine(t *testing.T) {
	t.Parallel()
	across(t, func(t *testing.T, from, to storage.Engine) {
		source := storagetest.Open(t, from)
		fill(t, source)
		want := take(t, source)
		if want.schema.Clock != 300 && from == storage.SQLite || want.schema.Engine != from.String() {
			t.Errorf("clock %d of %s", want.schema.Clock, want.schema.Engine)
		}
		raw, err := json.Marshal(want.schema) // as it travels
		if err != nil {
			t.Fatal(err)
		}
		want.schema = dump.Schema{}
		if err := json.Unmarshal(raw, &want.schema); err != nil {
			t.Fatal(err)
		}
		cfg := storagetest.Empty(t, to)
		load(t, cfg, want)
		target := storagetest.Reopen(t, cfg)
		if target.Committed() != want.schema.Clock {
			t.Errorf("the clock says %d, want %d", target.Committed(), want.schema.Clock)
		}
		got := take(t, target)
		for i, d := range got.digests {
			name := got.schema.Tables[i].Name
			if d != want.digests[i] && name != "clock" { // which counts how often it was opened
				t.Errorf("table %s differs: %d rows, want %d", name, d.Rows, want.digests[i].Rows)
			}
		}
	})
}

// Every table has to be thought of: here is where one of a kind that no backup
// can carry is noticed.
func TestEveryTableIsThere(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		got := take(t, db)
		names := map[string]bool{}
		for _, table := range got.schema.Tables {
			names[table.Name] = true
		}
		for _, want := range []string{"clock", "meta", "account", "event", "media_blob", "to_device"} {
			if !names[want] {
				t.Errorf("table %s is missing", want)
			}
		}
		if names["migration"] || len(got.schema.Migrations) == 0 {
			t.Error("migrations do not travel as rows")
		}
	})
}

func TestWhatIsWrittenMeanwhileIsNotInIt(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		fill(t, db)
		before := take(t, db)
		during := make([]dump.Digest, len(before.digests))
		rows := 0
		err := dump.Read(t.Context(), db, func(dump.Schema) error { return nil }, func(table int, row []byte) error {
			if rows++; rows%50 == 0 {
				err := db.Write(context.Background(), func(tx *storage.Tx) error {
					pos := tx.Position()
					return errors.Join(
						tx.Exec(t.Context(), `INSERT INTO event (pos, room, event_id, type, sender, json) VALUES ($1, 1, $2, 0, 0, $2)`, pos, fmt.Append(nil, "new", pos)),
						tx.Exec(t.Context(), `DELETE FROM account WHERE user_id = (SELECT MIN(user_id) FROM account)`))
				})
				if err != nil {
					return err
				}
			}
			during[table].Add(row)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range during {
			if d != before.digests[i] {
				t.Errorf("table %s differs: %d rows, want %d", before.schema.Tables[i].Name, d.Rows, before.digests[i].Rows)
			}
		}
		if after := take(t, db); fmt.Sprint(after.digests) == fmt.Sprint(before.digests) {
			t.Error("nothing was written meanwhile")
		}
	})
}

func TestLoaderNoticesWhatIsWrong(t *testing.T) {
	t.Parallel()
	source := storagetest.Open(t, storage.SQLite)
	fill(t, source)
	all := take(t, source)
	for _, e := range storagetest.Engines {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			cfg, ctx := storagetest.Empty(t, e), t.Context()
			for name, change := range map[string]func(*dump.Schema){
				"a table less": func(s *dump.Schema) { s.Tables = s.Tables[1:] },
				"a table more": func(s *dump.Schema) { s.Tables = append(s.Tables[:1:1], s.Tables...) },
				"other column": func(s *dump.Schema) {
					s.Tables = append([]dump.Table(nil), s.Tables...)
					s.Tables[0].Columns = append([]dump.Column{{Name: "x", Kind: dump.Kind(storage.Text)}}, s.Tables[0].Columns[1:]...)
				},
				"other kind": func(s *dump.Schema) {
					s.Tables = append([]dump.Table(nil), s.Tables...)
					columns := append([]dump.Column(nil), s.Tables[0].Columns...)
					columns[0].Kind = dump.Kind(storage.Float)
					s.Tables[0].Columns = columns
				},
			} {
				schema := all.schema
				change(&schema)
				if _, err := dump.NewLoader(ctx, cfg, schema); !errors.Is(err, dump.ErrSchema) {
					t.Errorf("%s: %v", name, err)
				}
				if p, err := storage.Peek(ctx, cfg); err != nil || !p.Empty {
					t.Errorf("%s left %+v, %v", name, p, err)
				}
			}
			l, err := dump.NewLoader(ctx, cfg, all.schema)
			if err != nil {
				t.Fatal(err)
			}
			for i, rows := range all.rows {
				if all.schema.Tables[i].Name == "account" {
					n, err := dump.CheckRow(all.schema.Tables[i].Columns, rows)
					if err != nil {
						t.Fatal(err)
					}
					if err := l.Rows(ctx, i, rows[:n-1]); err == nil {
						t.Error("half a row was taken")
					}
					rows = rows[n:]
				}
				if err := l.Rows(ctx, i, rows); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Check(ctx, all.digests); !errors.Is(err, dump.ErrDiffers) {
				t.Errorf("a row is missing: %v", err)
			}
			if err := l.Abandon(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDigestIsWrittenAndRead(t *testing.T) {
	t.Parallel()
	var a, b dump.Digest
	a.Add([]byte("x"))
	a.Add([]byte("y"))
	b.Add([]byte("y"))
	b.Add([]byte("x"))
	text, err := a.MarshalText()
	var read dump.Digest
	if err != nil || read.UnmarshalText(text) != nil || read != a || a != b || a.Rows != 2 {
		t.Errorf("%s, %v, %v, %v", text, err, read, b)
	}
	for _, bad := range []string{"", "1", "1 00", "-1 00000000000000000000000000000000", "x y"} {
		if err := new(dump.Digest).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzCheckRow(f *testing.F) {
	columns := []dump.Column{
		{Name: "a", Kind: dump.Kind(storage.Integer)}, {Name: "b", Kind: dump.Kind(storage.Text)},
		{Name: "c", Kind: dump.Kind(storage.Bytes)}, {Name: "d", Kind: dump.Kind(storage.Float)},
	}
	f.Add([]byte("\x01\x03\x01\x02ab\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 'a'})
	f.Add([]byte{0, 1, 1, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := dump.CheckRow(columns, b)
		if err == nil && (n < len(columns) || n > len(b)) {
			t.Errorf("%x has the length %d", b, n)
		}
	})
}
