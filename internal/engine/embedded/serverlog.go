package embedded

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// serverLogger passes the server's warnings and errors on. What the server reports below that is of interest to its
// authors alone, and while it stops its parts complain about each other's absence.
type serverLogger struct {
	to       *slog.Logger
	stopping *atomic.Bool
	tags     []tag.Tag
}

var (
	_ log.Logger     = (*serverLogger)(nil)
	_ log.WithLogger = (*serverLogger)(nil)
)

// Debug drops the message.
func (l *serverLogger) Debug(string, ...tag.Tag) {}

// Info drops the message.
func (l *serverLogger) Info(string, ...tag.Tag) {}

// Warn passes a warning on.
func (l *serverLogger) Warn(message string, tags ...tag.Tag) { l.pass(slog.LevelWarn, message, tags) }

// Error passes an error on.
func (l *serverLogger) Error(message string, tags ...tag.Tag) { l.pass(slog.LevelError, message, tags) }

// DPanic is an error in a released server.
func (l *serverLogger) DPanic(message string, tags ...tag.Tag) {
	l.pass(slog.LevelError, message, tags)
}

// Panic ends the process unless the caller recovers, as the interface demands.
func (l *serverLogger) Panic(message string, tags ...tag.Tag) {
	l.pass(slog.LevelError, message, tags)
	panic(message)
}

// Fatal ends the process, as the interface demands: the server does not go on from here.
func (l *serverLogger) Fatal(message string, tags ...tag.Tag) { l.Panic(message, tags...) }

// With returns a logger that adds the tags to every message. They are kept as they are until there is one, since the
// server tags far more than it says.
func (l *serverLogger) With(tags ...tag.Tag) log.Logger {
	return &serverLogger{to: l.to, stopping: l.stopping, tags: slices.Concat(l.tags, tags)}
}

func (l *serverLogger) pass(level slog.Level, message string, tags []tag.Tag) {
	if l.stopping.Load() || expected(message, tags) {
		return
	}
	l.to.LogAttrs(context.Background(), level, message, attributes(slices.Concat(l.tags, tags))...)
}

// expected recognises what is said of the HTTP API for Nexus, which is off on purpose, at every look into the Web UI,
// whose pages of history are large, and of operations whose caller went away. The server wraps the cause of some of
// those by its text alone.
func expected(message string, tags []tag.Tag) bool {
	if strings.HasPrefix(message, "HTTP API port has not been set") || strings.HasPrefix(message, "GetHistory page size") {
		return true
	}
	for _, t := range tags {
		if text, ok := t.Value().(string); ok && strings.HasSuffix(text, context.Canceled.Error()) {
			return true
		}
	}
	return false
}

func attributes(tags []tag.Tag) []slog.Attr {
	converted := make([]slog.Attr, len(tags))
	for i, t := range tags {
		converted[i] = slog.Any(t.Key(), t.Value())
	}
	return converted
}
