package storage

import "context"

// Kind is what a column of a row holds.
type Kind uint8

// The kinds of values.
const (
	Null    = Kind(null)
	Integer = Kind(integer)
	Float   = Kind(float)
	Text    = Kind(text)
	Bytes   = Kind(blob)
)

// Row is a row whose columns are known only when the program runs. It is good
// until the function it was given to returns.
type Row struct{ vals []value }

// Len returns the number of columns.
func (r Row) Len() int { return len(r.vals) }

// Kind tells what column i holds.
func (r Row) Kind(i int) Kind { return Kind(r.vals[i].kind) }

// Int returns the integer in column i.
func (r Row) Int(i int) int64 { return r.vals[i].int }

// Float returns the number in column i, an integer too.
func (r Row) Float(i int) float64 {
	if r.vals[i].kind == integer {
		return float64(r.vals[i].int)
	}
	return r.vals[i].float
}

// Size returns how many bytes the text or the bytes in column i have.
func (r Row) Size(i int) int {
	v := &r.vals[i]
	if v.kind == text && !v.borrowed {
		return len(v.text)
	}
	return len(v.raw)
}

// Append appends the text or the bytes in column i to dst.
func (r Row) Append(dst []byte, i int) []byte {
	v := &r.vals[i]
	if v.kind == text && !v.borrowed {
		return append(dst, v.text...)
	}
	return append(dst, v.raw...)
}

// EachRow is Each for queries whose columns are known only when the program
// runs. Few places need it: a backup, which reads whatever tables there are.
func EachRow(ctx context.Context, tx *Tx, fn func(Row) error, sql string, args ...any) (err error) {
	st, err := tx.statement(sql, args)
	if err != nil {
		return err
	}
	tx.wrote = tx.wrote || st.writes
	if !tx.write && ctx.Err() != nil {
		return ctx.Err()
	}
	c, err := tx.s.query(ctx, st, args)
	if err != nil {
		return tx.fail(err)
	}
	tx.reading = true
	defer func() {
		tx.reading = false
		if a, ok := tx.s.(abandoner); ok && err != nil && tx.alone {
			a.abandon()
		}
		if e := c.close(); e != nil && err == nil {
			err = tx.fail(e)
		}
	}()
	for {
		more, err := c.next()
		if err != nil {
			return tx.fail(err)
		}
		if !more {
			return nil
		}
		if err := fn(Row{c.row()}); err != nil {
			return err
		}
	}
}

// abandoner is a session whose connection can be given up in the middle of an
// answer, which may be larger than anybody wants to read to its end.
type abandoner interface{ abandon() }
