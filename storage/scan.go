package storage

import (
	"fmt"
	"reflect"
	"sync"
)

// kind is what a column of a row holds.
type kind uint8

const (
	null kind = iota
	integer
	float
	text
	blob
)

// value is one column of one row. Text and blobs of PostgreSQL lie in the
// connection's buffer until the next row; those of SQLite are ours already.
type value struct {
	kind     kind
	borrowed bool // raw belongs to the connection
	int      int64
	float    float64
	text     string // text that is ours
	raw      []byte // blob, or borrowed text
}

// cursor walks the rows of an answer.
type cursor interface {
	next() (bool, error)
	row() []value // of the current row, until the next call of next
	columns() int
	close() error
}

// asString returns text or blob as a string of our own.
func (v *value) asString() string {
	if v.kind == text && !v.borrowed {
		return v.text
	}
	return string(v.raw)
}

// asBytes returns blob or text as bytes of our own, never nil.
func (v *value) asBytes() []byte {
	switch {
	case v.kind == text && !v.borrowed:
		return []byte(v.text)
	case v.borrowed || v.raw == nil:
		return append(make([]byte, 0, len(v.raw)), v.raw...)
	}
	return v.raw
}

// plan says where in a T the columns of a row go. Fields are addressed by
// index path, because embedded structs count as their fields.
type plan struct {
	scalar bool
	fields []field
	err    error
}

type field struct {
	path []int
	name string
}

// plans caches plans by reflect.Type. It belongs to a DB.
type plans struct {
	byType sync.Map // reflect.Type → *plan
}

// of returns the plan for t.
func (p *plans) of(t reflect.Type) *plan {
	if known, ok := p.byType.Load(t); ok {
		return known.(*plan)
	}
	made := newPlan(t)
	p.byType.Store(t, made)
	return made
}

func newPlan(t reflect.Type) *plan {
	if t.Kind() != reflect.Struct {
		return &plan{scalar: true, fields: []field{{name: t.String()}}}
	}
	p := &plan{}
	p.add(t, nil)
	return p
}

// add appends the fields of struct t, which lies at path.
func (p *plan) add(t reflect.Type, path []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("sql") == "-" {
			continue
		}
		at := append(append([]int(nil), path...), i)
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			p.add(f.Type, at)
		case !f.IsExported():
			p.err = fmt.Errorf("storage: field %s of %s is not exported", f.Name, t)
		default:
			p.fields = append(p.fields, field{path: at, name: t.String() + "." + f.Name})
		}
	}
}

// check reports whether rows of n columns fit.
func (p *plan) check(n int) error {
	if p.err != nil {
		return p.err
	}
	if n != len(p.fields) {
		return fmt.Errorf("storage: %d columns for %d fields", n, len(p.fields))
	}
	return nil
}

// scan stores row where dst points to; dst is a *T.
func (p *plan) scan(dst any, row []value) error {
	if p.scalar {
		return scanScalar(dst, &row[0], p.fields[0].name)
	}
	v := reflect.ValueOf(dst).Elem()
	for i := range p.fields {
		f := &p.fields[i]
		var at reflect.Value
		if len(f.path) == 1 {
			at = v.Field(f.path[0])
		} else {
			at = v.FieldByIndex(f.path)
		}
		if err := set(at, &row[i], f.name); err != nil {
			return err
		}
	}
	return nil
}

// scanScalar is scan for a T of one column; the usual types need no reflection.
func scanScalar(dst any, v *value, name string) error {
	switch d := dst.(type) {
	case *int64:
		if v.kind == integer {
			*d = v.int
			return nil
		}
	case *string:
		if v.kind == text {
			*d = v.asString()
			return nil
		}
	case *[]byte:
		if v.kind == blob {
			*d = v.asBytes()
			return nil
		}
	}
	return set(reflect.ValueOf(dst).Elem(), v, name)
}

// set stores v in dst.
func set(dst reflect.Value, v *value, name string) error {
	switch k := dst.Kind(); k {
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		if v.kind == integer && !dst.OverflowInt(v.int) {
			dst.SetInt(v.int)
			return nil
		}
	case reflect.String:
		if v.kind == text || v.kind == blob {
			dst.SetString(v.asString())
			return nil
		}
	case reflect.Bool:
		if v.kind == integer {
			dst.SetBool(v.int != 0)
			return nil
		}
	case reflect.Pointer:
		if v.kind == null {
			dst.SetZero()
			return nil
		}
		if dst.IsNil() {
			dst.Set(reflect.New(dst.Type().Elem()))
		}
		return set(dst.Elem(), v, name)
	case reflect.Slice, reflect.Array:
		if isBytes(dst.Type()) {
			return setBytes(dst, v, name)
		}
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		if v.kind == integer && v.int >= 0 && !dst.OverflowUint(uint64(v.int)) {
			dst.SetUint(uint64(v.int))
			return nil
		}
	case reflect.Float64, reflect.Float32:
		switch v.kind {
		case float:
			dst.SetFloat(v.float)
			return nil
		case integer:
			dst.SetFloat(float64(v.int))
			return nil
		}
	}
	return misfit(dst, v, name)
}

// setBytes stores v in a slice or an array of bytes. A NULL is a nil slice.
func setBytes(dst reflect.Value, v *value, name string) error {
	if v.kind == null && dst.Kind() == reflect.Slice {
		dst.SetZero()
		return nil
	}
	if v.kind != text && v.kind != blob {
		return misfit(dst, v, name)
	}
	if dst.Kind() == reflect.Slice {
		dst.SetBytes(v.asBytes())
		return nil
	}
	b := v.asBytes()
	if len(b) != dst.Len() {
		return fmt.Errorf("storage: %d bytes do not fit into %s", len(b), name)
	}
	reflect.Copy(dst, reflect.ValueOf(b))
	return nil
}

func misfit(dst reflect.Value, v *value, name string) error {
	kinds := [...]string{"NULL", "integer", "float", "text", "bytes"}
	if v.kind == integer {
		return fmt.Errorf("storage: integer %d does not fit into %s (%s)", v.int, name, dst.Type())
	}
	return fmt.Errorf("storage: %s does not fit into %s (%s)", kinds[v.kind], name, dst.Type())
}
