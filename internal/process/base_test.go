package process

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"lifeline/internal/config"
	"lifeline/internal/emergency"
	"lifeline/internal/engine"
)

// A service whose data directory cannot be made starts all the same: dials need it only while
// the database is down (B7).
func TestOpenWithoutDataDirectory(t *testing.T) {
	t.Setenv("LIFELINE_DATA_DIR", filepath.Join(t.TempDir(), "data"))
	t.Setenv("LIFELINE_DATABASE_URL", filepath.Join(t.TempDir(), "lifeline.db"))
	cfg, err := config.Load()
	settle(t, err)
	cfg.PayloadKeys = engine.NewKey()
	settle(t, os.Symlink("nowhere/at/all", cfg.DataDir))
	base, err := Open(cfg, slog.New(slog.DiscardHandler))
	settle(t, err)
	t.Cleanup(func() { settle(t, base.Close()) })
	desk, err := base.newDesk(func(emergency.RefusedCall) {})
	settle(t, err)
	t.Cleanup(func() { settle(t, desk.close()) })
	if err := desk.probeSpool(t.Context()); err == nil {
		t.Error("/readyz says that calls can be kept")
	}
}
