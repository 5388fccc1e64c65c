package listen

import (
	"log"
	"log/slog"
	"strings"
)

// errorLog returns what net/http writes its complaints to. Most of them are
// about clients and name their addresses, which no log of ours may; what is
// wrong with the server itself goes on to l.
func errorLog(l *slog.Logger) *log.Logger {
	return log.New(complaints{l}, "", 0)
}

type complaints struct{ log *slog.Logger }

func (c complaints) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	for _, prefix := range []string{"http: Accept error", "http: superfluous", "http: response.Write"} {
		if strings.HasPrefix(text, prefix) {
			c.log.Error("http server", "err", text)
		}
	}
	return len(line), nil
}
