package config

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
)

//go:generate go test . -run ^TestDocuments$ -update

var update = flag.Bool("update", false, "write the generated documents instead of comparing them")

func TestDocuments(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(io.Writer) error{
		"plenum.example.toml": WriteExample,
		"config.md":           WriteReference,
	} {
		var want bytes.Buffer
		if err := write(&want); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("..", "docs", name)
		if *update {
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("docs/%s is out of date: run \"go generate ./config\" (%v)", name, err)
		}
	}
}
