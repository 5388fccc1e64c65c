package storage_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix/id"

	"plenum/internal/matrix"
	"plenum/storage"
	"plenum/storage/storagetest"
)

type hash [4]byte

// all is one column of each kind, as the packages above use them.
type all struct {
	Pos    matrix.Position
	User   id.UserID
	Raw    []byte
	Hash   hash
	Flag   bool
	Small  int16
	Maybe  *int64
	Text   *string
	Nil    []byte
	Double float64
}

const makeAll = `CREATE TABLE every (pos BIGINT, usr TEXT, raw {bytes}, hash {bytes}, flag SMALLINT, small SMALLINT,
	maybe BIGINT, txt TEXT, nil {bytes}, dbl DOUBLE PRECISION)`

func (a all) insert(ctx context.Context, tx *storage.Tx) error {
	return tx.Exec(ctx, `INSERT INTO every VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		a.Pos, a.User, a.Raw, a.Hash, a.Flag, a.Small, a.Maybe, a.Text, a.Nil, a.Double)
}

func TestValuesComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		n, s := int64(math.MinInt64), "\u2028 \U0001F600 '\"\\"
		want := []all{
			{Pos: 1, User: "@ada:one.example", Raw: []byte{0, 255, '\''}, Hash: hash{1, 2, 3, 4}, Flag: true, Small: -7, Maybe: &n, Text: &s, Double: -0.5},
			{Pos: math.MaxInt64, Raw: []byte{}, Double: 1e300},
		}
		write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			if err := tx.Exec(ctx, makeAll); err != nil {
				return err
			}
			return errors.Join(want[0].insert(ctx, tx), want[1].insert(ctx, tx))
		})
		if got := query[all](t, db, `SELECT * FROM every ORDER BY pos`); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v", got)
		}
	})
}

// Functions and comparisons have types of their own on PostgreSQL.
func TestComputedValues(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		type row struct {
			Sum, Count, Max int64
			More            bool
			Average         float64
			Any             *int64
			Name            string
		}
		got := query[row](t, db, `SELECT sum(n), count(*), max(n), max(n) > $1, avg(n), max(n + NULL), 'x' || CAST($2 AS TEXT)
			FROM (SELECT CAST(9007199254740993 AS BIGINT) AS n UNION ALL SELECT CAST(2 AS BIGINT)) AS t`, 1, "y")
		want := []row{{Sum: 9007199254740995, Count: 2, Max: 9007199254740993, More: true, Average: 4503599627370497.5, Name: "xy"}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestLists(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		users := []id.UserID{"@a:b", "@\"quoted\\\":b", "@\u0001\u2028:b"}
		write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			err := tx.Exec(ctx, makeAll)
			for i, u := range users {
				err = errors.Join(err, all{Pos: matrix.Position(i), User: u, Raw: []byte{byte(i), 0}, Small: int16(i)}.insert(ctx, tx))
			}
			return err
		})
		for name, c := range map[string]struct {
			where string
			list  any
			want  []int64
		}{
			"positions":            {"pos {in $1}", storage.List([]matrix.Position{0, 2, 7}), []int64{0, 2}},
			"users":                {"usr {in $1}", storage.List(append(users[1:], "@x:y")), []int64{1, 2}},
			"bytes":                {"raw {in $1}", storage.List([][]byte{{1, 0}, {9}, nil}), []int64{1}},
			"small numbers":        {"small {in $1}", storage.List([]int64{1, math.MaxInt64, -1}), []int64{1}},
			"none":                 {"pos {in $1}", storage.List([]int64{}), nil},
			"none of nil":          {"usr {in $1}", storage.List([]string(nil)), nil},
			"not in an empty list": {"NOT (raw {in $1})", storage.List([][]byte{}), []int64{0, 1, 2}},
			"not in":               {"NOT (small {in $1})", storage.List([]int{0, 99999}), []int64{1, 2}},
		} {
			if got := query[int64](t, db, `SELECT pos FROM every WHERE `+c.where+` ORDER BY pos`, c.list); !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
			}
		}
	})
}

func TestTextThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		ctx := t.Context()
		for n, bad := range []string{"a\x00b", "\xff", "\xed\xa0\x80"} {
			runs := 0
			errs := together(t, db, func(tx *storage.Tx) error {
				runs++
				return add(ctx, tx, fmt.Sprint(n))
			}, adding(ctx, bad), func(tx *storage.Tx) error {
				_, err := storage.Select[int64](ctx, tx, `SELECT pos FROM thing WHERE name {in $1}`, storage.List([]string{"fine", bad}))
				return err
			})
			if errs[0] != nil || runs != 1 {
				t.Errorf("the write before %q: %v after %d runs", bad, errs[0], runs)
			}
			for _, err := range errs[1:] {
				var refused *matrix.Error
				if !errors.As(err, &refused) || refused.Code != matrix.InvalidParam {
					t.Errorf("%q: got %v", bad, err)
				}
			}
		}
		if got := things(t, db); !slices.Equal(got, []string{"0", "1", "2"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestArgumentsThatFitNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storage.DB) {
		for name, arg := range map[string]any{
			"struct": struct{}{}, "more than BIGINT": uint64(math.MaxUint64), "list of lists": storage.List([][]string{{"a"}}),
			"list where none is": storage.List([]string{"a"}), "slice": []string{"a"},
		} {
			err := db.Write(t.Context(), func(tx *storage.Tx) error {
				return tx.Exec(t.Context(), `UPDATE thing SET pos = $1`, arg)
			})
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

// SQLite would take these, and compare them with nothing later.
func TestStringsAndBytesAreTwoThings(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storage.Postgres)
	write(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.Exec(ctx, makeAll) })
	for column, arg := range map[string]any{
		"usr": []byte("bytes"), "raw": "text", "pos": "1", "txt": 1, "small": 40000, "flag": 1.5, "dbl": "x",
	} {
		err := db.Write(t.Context(), func(tx *storage.Tx) error {
			return tx.Exec(t.Context(), `UPDATE every SET `+column+` = $1`, arg)
		})
		if err == nil {
			t.Errorf("%T into %s: no error", arg, column)
		}
	}
}

func TestTextSortsByItsBytes(t *testing.T) {
	t.Parallel()
	want := []string{"", "#", "A", "B", "_", "a", "a b", "aB", "ab", "b", "ß", "ä", "\uffff", "\U0001F600"}
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			for _, key := range slices.Backward(want) {
				if err := storage.SetMeta(ctx, tx, key, strings.ToUpper(key)); err != nil {
					return err
				}
			}
			return nil
		})
		if got := query[string](t, db, `SELECT key FROM meta ORDER BY key`); !slices.Equal(got, want) {
			t.Errorf("sorted as %q", got)
		}
		if got := query[string](t, db, `SELECT key FROM meta WHERE key > $1 AND key < $2 ORDER BY key DESC`, "B", "b"); !slices.Equal(got, []string{"ab", "aB", "a b", "a", "_"}) {
			t.Errorf("between: %q", got)
		}
		if got := query[string](t, db, `SELECT max(key) FROM meta`); got[0] != "\U0001F600" {
			t.Errorf("greatest: %q", got)
		}
	})
}

// Everything that sorts text relies on it.
func TestEveryTextColumnSortsByBytes(t *testing.T) {
	t.Parallel()
	db := storagetest.Open(t, storage.Postgres)
	wrong := query[string](t, db, `SELECT CAST(attrelid::regclass || '.' || attname AS TEXT) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
		WHERE relnamespace = current_schema()::regnamespace AND attcollation NOT IN (0, '"C"'::regcollation)`)
	if len(wrong) > 0 {
		t.Errorf("these columns and indexes do not: %q", wrong)
	}
}
