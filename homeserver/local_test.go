package homeserver

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSocketOfALongFolder(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second takes the place of the first, as after a crash
		ln, err := listenLocal(folder)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"server_name":"one.example","pid":7}`)
		})}
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(ln) }()
		status, err := NewLocal(folder).Status(t.Context())
		if err != nil || status.ServerName != "one.example" || status.PID != 7 {
			t.Errorf("status %+v, %v", status, err)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-ended
	}
	_, err := NewLocal(folder).Status(t.Context())
	if !nobodyListens(err) {
		t.Errorf("a socket that nobody serves: %v", err)
	}
	if err := os.Remove(filepath.Join(folder, socketName)); err != nil {
		t.Fatal(err)
	}
	if _, err := NewLocal(folder).Status(t.Context()); !nobodyListens(err) {
		t.Errorf("no socket: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(folder, ".s*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
