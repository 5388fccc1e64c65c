// Package migrations holds the schema as numbered SQL files, which run in the
// order of their numbers, each once per database. A released file never
// changes. Numbers are given out in ranges by subject, so that a file may come
// later than one with a higher number.
//
// Lines between "-- only: postgres" or "-- only: sqlite" and "-- all" are for
// one engine; {bytes} and {key} are as in package storage.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed *.sql
var files embed.FS

// Files returns the migrations, named NNNN_subject.sql.
func Files() fs.FS { return files }
