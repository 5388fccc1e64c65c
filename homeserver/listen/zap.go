package listen

import (
	"context"
	"log/slog"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// bridge returns the kind of log that the ACME library writes, which goes on
// to l. What it calls information are its single steps, among them the
// administrator's email address: that is for finding faults.
func bridge(l *slog.Logger) *zap.Logger {
	return zap.New(core{l})
}

// core implements zapcore.Core over a slog.Logger.
type core struct{ log *slog.Logger }

func level(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return slog.LevelError
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (c core) Enabled(l zapcore.Level) bool { return c.log.Enabled(context.Background(), level(l)) }

func (c core) With(fields []zapcore.Field) zapcore.Core {
	return core{slog.New(c.log.Handler().WithAttrs(attributes(fields)))}
}

func (c core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	c.log.LogAttrs(context.Background(), level(e.Level), e.Message, attributes(fields)...)
	return nil
}

func (c core) Sync() error { return nil }

// attributes translates fields, but for those that tell who connects.
func attributes(fields []zapcore.Field) []slog.Attr {
	values := zapcore.NewMapObjectEncoder()
	var all []slog.Attr
	for _, f := range fields {
		if strings.HasPrefix(f.Key, "remote") {
			continue
		}
		f.AddTo(values)
		if v, ok := values.Fields[f.Key]; ok {
			all = append(all, slog.Any(f.Key, v))
		}
	}
	return all
}
