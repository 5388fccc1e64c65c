package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"plenum/storage/blob"
)

// spool keeps the names of the blobs of a backup in a temporary file: there
// may be millions.
type spool struct {
	file *os.File
	w    *bufio.Writer
}

// spoolName is a pattern.
const spoolName = ".backup-*"

func newSpool(folder string) (*spool, error) {
	left, err := filepath.Glob(filepath.Join(folder, spoolName))
	if err != nil {
		return nil, err
	}
	for _, path := range left { // of a process that was killed
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	file, err := os.CreateTemp(folder, spoolName)
	if err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	return &spool{file: file, w: bufio.NewWriter(file)}, nil
}

// add appends a name. One that is none is kept out: nothing would be found
// under it.
func (s *spool) add(id blob.ID) error {
	if !id.Valid() {
		return fmt.Errorf("%q in the database is no name of a blob", id)
	}
	_, err := s.w.WriteString(string(id) + "\n")
	return err
}

// each calls fn for every name in the order in which they were added.
func (s *spool) each(fn func(blob.ID) error) error {
	if err := s.w.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReader(s.file)
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = fn(blob.ID(strings.TrimSuffix(line, "\n")))
		}
		if err != nil {
			return err
		}
	}
}

func (s *spool) close() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}
