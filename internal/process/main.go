package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"lifeline/internal/config"
)

// Main is the body of a main function: it answers --help, reads the
// configuration, and ends the process with status 1 and one line when it cannot
// go on.
func Main(about string, run func(ctx context.Context, cfg config.Config, log *slog.Logger) error) {
	if len(os.Args) > 1 {
		usage(os.Stdout, about)
		if os.Args[1] != "--help" && os.Args[1] != "-h" {
			os.Exit(2)
		}
		return
	}
	cfg, err := config.Load()
	if err == nil {
		var log *slog.Logger
		if log, err = newLogger(cfg.LogLevel, os.Stderr); err == nil {
			warnOfUnknown(log)
			err = run(context.Background(), cfg, log)
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "lifeline: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1)
	}
}

func usage(w io.Writer, about string) {
	fmt.Fprintln(w, about+"\n\nIt takes no arguments; these environment variables configure it:")
	_ = config.PrintUsage(w) // nothing else could be said if the terminal is gone
}

// warnOfUnknown names what somebody has set in vain. The values may be secrets.
func warnOfUnknown(log *slog.Logger) {
	for _, unknown := range config.FindUnknown() {
		log.Warn("An environment variable is not known and changes nothing; --help lists those that do",
			"variable", unknown.Name, "nearest", unknown.Nearest)
	}
}

// newLogger writes text for people who read a terminal or a journal.
func newLogger(level string, w io.Writer) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, errors.New("LIFELINE_LOG_LEVEL must be debug, info, warn or error")
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}
