package storage

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// Engine is the database engine behind a DB.
type Engine int

// The engines.
const (
	SQLite Engine = iota + 1
	Postgres
)

// String returns the name of the engine as migrations write it.
func (e Engine) String() string {
	switch e {
	case SQLite:
		return "sqlite"
	case Postgres:
		return "postgres"
	}
	return "engine " + strconv.Itoa(int(e))
}

// maxStatements bounds the caches of rewritten and prepared statements. SQL
// texts are constants, of which there are a few hundred; the bound is for the
// day when somebody builds one at run time.
const maxStatements = 2048

// statement is SQL as the engine reads it.
type statement struct {
	text   string
	params int    // highest $N
	lists  uint64 // bit N-1 is set when $N is the argument of {in $N}
	writes bool   // false only when it surely changes nothing
}

// statementKey tells apart the two forms that one text with {in $N} has on
// SQLite: a list of byte strings travels as hexadecimal.
type statementKey struct {
	sql   string
	bytes uint64 // bit N-1 is set when argument N is a list of byte strings
}

// dialect turns the one SQL text of the code into that of an engine, once per
// text.
type dialect struct {
	engine Engine

	mu    sync.RWMutex
	cache map[statementKey]*statement
}

func newDialect(e Engine) *dialect {
	return &dialect{engine: e, cache: make(map[statementKey]*statement)}
}

// statement rewrites sql for args, or finds it rewritten, and checks that
// number and kind of the arguments fit.
func (d *dialect) statement(sql string, args []any) (*statement, error) {
	var lists, bytes uint64
	for i, a := range args {
		if l, ok := a.(list); ok && i < 64 {
			lists |= 1 << i
			if l.kind == bytesList {
				bytes |= 1 << i
			}
		}
	}
	key := statementKey{sql, bytes}
	d.mu.RLock()
	st := d.cache[key]
	d.mu.RUnlock()
	if st == nil {
		var err error
		if st, err = rewrite(d.engine, sql, bytes); err != nil {
			return nil, err
		}
		d.mu.Lock()
		if len(d.cache) >= maxStatements {
			clear(d.cache)
		}
		d.cache[key] = st
		d.mu.Unlock()
	}
	if st.params != len(args) {
		return nil, fmt.Errorf("storage: %d arguments for %d parameters in %s", len(args), st.params, sql)
	}
	if st.lists != lists {
		return nil, fmt.Errorf("storage: storage.List and {in $N} belong together in %s", sql)
	}
	return st, nil
}

// rewrite replaces tokens and parameters outside of literals, quoted names
// and comments.
func rewrite(e Engine, sql string, bytes uint64) (*statement, error) {
	st := &statement{writes: writes(sql)}
	var out strings.Builder
	out.Grow(len(sql) + 32)
	for i := 0; i < len(sql); {
		n := skip(sql[i:])
		if n > 0 {
			out.WriteString(sql[i : i+n])
			i += n
			continue
		}
		var err error
		switch sql[i] {
		case '{':
			n, err = st.token(&out, e, sql[i:], bytes)
		case '$':
			n, err = st.param(&out, e, sql[i:])
		default:
			n = 1
			out.WriteByte(sql[i])
		}
		if err != nil {
			return nil, fmt.Errorf("storage: %w in %s", err, sql)
		}
		i += n
	}
	st.text = out.String()
	return st, nil
}

// skip returns the length of the literal, quoted name or comment that s
// starts with, or 0. One without an end reaches to the end of s: the engine
// will complain.
func skip(s string) int {
	end := func(from int, mark string) int {
		if i := strings.Index(s[from:], mark); i >= 0 {
			return from + i + len(mark)
		}
		return len(s)
	}
	switch {
	case s[0] == '\'' || s[0] == '"':
		return end(1, s[:1]) // a doubled quote is two literals in a row
	case strings.HasPrefix(s, "--"):
		return end(2, "\n")
	case strings.HasPrefix(s, "/*"):
		return end(2, "*/")
	}
	return 0
}

// param writes the parameter that s starts with, and returns its length. A
// dollar sign without a number stays as it is.
func (st *statement) param(out *strings.Builder, e Engine, s string) (int, error) {
	n := 1
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == 1 {
		out.WriteByte('$')
		return 1, nil
	}
	number, err := strconv.Atoi(s[1:n])
	if err != nil || number < 1 || number > 32766 {
		return 0, fmt.Errorf("bad parameter %s", s[:n])
	}
	st.params = max(st.params, number)
	if e == SQLite {
		// $N is a name on SQLite, numbered by first appearance; ?N is a number.
		out.WriteByte('?')
	} else {
		out.WriteByte('$')
	}
	out.WriteString(strconv.Itoa(number))
	return n, nil
}

// token writes what the token that s starts with stands for, and returns the
// token's length.
func (st *statement) token(out *strings.Builder, e Engine, s string, bytes uint64) (int, error) {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return 0, fmt.Errorf("token without end")
	}
	body := strings.TrimSpace(s[1:end])
	switch {
	case body == "lock" && e == Postgres:
		out.WriteString("FOR UPDATE")
	case body == "lock":
	case body == "bytes" && e == Postgres:
		out.WriteString("BYTEA")
	case body == "bytes":
		out.WriteString("BLOB")
	case body == "key" && e == Postgres:
		out.WriteString("BIGINT PRIMARY KEY")
	case body == "key": // the row's own number: no index beside the table
		out.WriteString("INTEGER PRIMARY KEY")
	case strings.HasPrefix(body, "in "):
		if err := st.in(out, e, strings.TrimSpace(body[3:]), bytes); err != nil {
			return 0, err
		}
	default:
		return 0, fmt.Errorf("unknown token {%s}", body)
	}
	return end + 1, nil
}

// in writes the membership test in the list that param names.
func (st *statement) in(out *strings.Builder, e Engine, param string, bytes uint64) error {
	var p strings.Builder
	before := st.params
	if !strings.HasPrefix(param, "$") {
		return fmt.Errorf("bad parameter %q in {in}", param)
	}
	n, err := st.param(&p, e, param)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(param[1:n])
	if err != nil || n != len(param) || number > 64 {
		st.params = before
		return fmt.Errorf("bad parameter %q in {in}", param)
	}
	st.lists |= 1 << (number - 1)
	switch {
	case e == Postgres:
		out.WriteString("= ANY(" + p.String() + ")")
	case bytes&(1<<(number-1)) != 0:
		out.WriteString("IN (SELECT unhex(value) FROM json_each(" + p.String() + "))")
	default:
		out.WriteString("IN (SELECT value FROM json_each(" + p.String() + "))")
	}
	return nil
}

// writes reports whether sql may change something. It may err towards yes.
func writes(sql string) bool {
	sql = strings.ToUpper(strings.TrimSpace(sql))
	if strings.HasPrefix(sql, "SELECT") {
		return false
	}
	if !strings.HasPrefix(sql, "WITH") {
		return true
	}
	return strings.Contains(sql, "INSERT") || strings.Contains(sql, "UPDATE") || strings.Contains(sql, "DELETE")
}
