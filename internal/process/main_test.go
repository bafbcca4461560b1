package process

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// A misspelt variable is told of when a process starts, with the name that was meant,
// and without its value, which may be a secret. The process starts all the same.
func TestMisspeltVariableIsToldOf(t *testing.T) {
	t.Setenv("LIFELINE_DAIL_BUDGET", "a-secret")
	t.Setenv("LIFELINE_DIAL_BUDGET", "1s")
	var log bytes.Buffer
	warnOfUnknown(slog.New(slog.NewTextHandler(&log, nil)))
	if said := log.String(); !strings.Contains(said, "level=WARN") ||
		!strings.Contains(said, "variable=LIFELINE_DAIL_BUDGET nearest=LIFELINE_DIAL_BUDGET") ||
		strings.Contains(said, "a-secret") || strings.Contains(said, "variable=LIFELINE_DIAL_BUDGET") {
		t.Errorf("the log says %q", said)
	}
}
