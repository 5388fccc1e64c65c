package people

import (
	"context"
	"flag"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// Server is the server under test.
type Server struct {
	URL     string
	Token   string // to register with, where the server wants one
	Command string // restarts the server and returns when it answers
	tag     string // unique to this run, so that a server can be used again
}

// Flags reads s from the command line, and reports whether enough is said.
func (s *Server) Flags() bool {
	s.tag = strconv.FormatInt(time.Now().UnixMilli(), 36)
	flag.StringVar(&s.URL, "url", "", "base `URL` of the server")
	flag.StringVar(&s.Command, "restart", "", "shell `command` that restarts the server and returns when it answers")
	flag.StringVar(&s.Token, "registration-token", "", "`token` to register with, where the server wants one")
	flag.Parse()
	return s.URL != ""
}

// Name makes a word unique to this run.
func (s *Server) Name(word string) string { return word + "-" + s.tag }

// Restart restarts the server, if it is known how.
func (s *Server) Restart(ctx context.Context) error {
	if s.Command == "" {
		return nil
	}
	out, err := exec.CommandContext(ctx, "sh", "-c", s.Command).CombinedOutput()
	if err != nil {
		return fmt.Errorf("restart command: %w: %s", err, out)
	}
	return nil
}
