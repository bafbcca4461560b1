package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lifeline/internal/config"
	"lifeline/internal/emergency"
)

// Without any variable, everything lies in the data directory and the durations
// are the ones that the product promises: 60 and 30 minutes (S3, B1).
func TestDefaults(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LIFELINE_DATA_DIR", dir)
	cfg, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "lifeline.db"); cfg.DatabaseURL != want {
		t.Errorf("database is %q, want %q", cfg.DatabaseURL, want)
	}
	if want := filepath.Join(dir, "mail"); cfg.MailDir != want {
		t.Errorf("mail goes to %q, want %q", cfg.MailDir, want)
	}
	want := emergency.Terms{Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 30 * time.Minute}
	if cfg.Terms() != want {
		t.Errorf("terms are %+v, want %+v", cfg.Terms(), want)
	}
}

// A value that cannot be used is refused by the name of its variable, and the
// value itself, which may be a secret, is not repeated.
func TestUnusableValues(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"LIFELINE_LEASE_DURATION", "soon"},
		{"LIFELINE_LEASE_DURATION", "0s"},
		{"LIFELINE_MAX_CALL_DURATION", "-1s"},
		{"LIFELINE_DIAL_BUDGET", "0"},
		{"LIFELINE_CALLBACK_GRACE", "-30m"},
		{"LIFELINE_NUMBER_QUARANTINE", "-1ns"},
		{"LIFELINE_LOCATION_MAX_AGE", "today"},
		{"LIFELINE_LOCATION_MAX_AGE", "0"},
		{"LIFELINE_LOCATION_MAX_AGE", "-1h"},
		{"LIFELINE_ACK_DEADLINE", "-1s"},
		{"LIFELINE_ACK_ESCALATIONS", "11"},
		{"LIFELINE_ACK_ESCALATIONS", "-1"},
		{"LIFELINE_NOTIFY_END", "perhaps"},
		{"LIFELINE_PUBLIC_URL", "lifeline.example.com"},
		{"LIFELINE_PUBLIC_URL", "ftp://lifeline.example.com"},
		{"LIFELINE_PUBLIC_URL", "https://lifeline.example.com/?a=b"},
		{"LIFELINE_POOL_WARNING", "80%"},
		{"LIFELINE_POOL_WARNING", "0"},
		{"LIFELINE_POOL_WARNING", "-0.1"},
		{"LIFELINE_POOL_WARNING", "1.01"},
		{"LIFELINE_POOL_WARNING", "NaN"},
		{"LIFELINE_OUTSIDE_LINE_PREFIX", "+1"},
		{"LIFELINE_OUTSIDE_LINE_PREFIX", "5550"},
		// Somebody who dials it wants help, not a line (B11).
		{"LIFELINE_OUTSIDE_LINE_PREFIX", "911"},
		{"LIFELINE_OUTSIDE_LINE_PREFIX", "112"},
		{"LIFELINE_OUTSIDE_LINE_PREFIX", "933"},
		{"LIFELINE_BUILD_ID", "two words"},
		{"LIFELINE_BUILD_ID", "__reserved"},
		{"LIFELINE_BUILD_ID", strings.Repeat("1", 101)},
		{"LIFELINE_MAIL_TRANSPORT", "pigeon"},
		{"LIFELINE_MAIL_TRANSPORT", "sendgrid"}, // without a key
		{"LIFELINE_MAIL_TRANSPORT", "smtp"},     // without a server
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			t.Setenv("LIFELINE_DATA_DIR", t.TempDir())
			t.Setenv(c.name, c.value)
			_, err := config.Load()
			if err == nil || !strings.Contains(err.Error(), c.name) {
				t.Errorf("error is %v, want one that names %s", err, c.name)
			}
		})
	}
}

// A location counts for an hour, and a pool is low when four numbers of five are in
// use, unless somebody says otherwise (S13, B5).
func TestEligibilitySettings(t *testing.T) {
	for _, c := range []struct {
		name    string
		set     map[string]string
		age     time.Duration
		warning float64
	}{
		{"by default", nil, time.Hour, 0.8},
		{"as set", map[string]string{"LIFELINE_LOCATION_MAX_AGE": "90s", "LIFELINE_POOL_WARNING": "1"}, 90 * time.Second, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("LIFELINE_DATA_DIR", t.TempDir())
			for name, value := range c.set {
				t.Setenv(name, value)
			}
			cfg, err := config.Load()
			if err != nil || cfg.LocationMaxAge != c.age || cfg.PoolWarning != c.warning {
				t.Errorf("a location counts for %v and the warning comes at %v, %v; want %v and %v",
					cfg.LocationMaxAge, cfg.PoolWarning, err, c.age, c.warning)
			}
		})
	}
}

// A variable that looks like one of Lifeline's and is none is named, because what it
// was meant to change keeps its default, which nobody would notice; and so is the one
// that it may have been meant to be. Those of the tests are left out.
func TestUnknownVariables(t *testing.T) {
	before := config.FindUnknown()
	for _, name := range []string{
		"LIFELINE_LEASE_DURATON", "LIFELINE_lease_duration", "LIFELINE_TESTING", "LIFELINE_", "LIFELINE_DIALBUGDET", "LIFELINE_SMTPURL",
		"LIFELINE_LEASE_DURATION", "LIFELINE_SENDGRID_API_KEY", "LIFELINE_TEST_POSTGRES", "LIFE", "SENDGRID_API_KEY",
	} {
		t.Setenv(name, "a-secret")
	}
	got := slices.DeleteFunc(config.FindUnknown(), func(u config.Unknown) bool { return slices.Contains(before, u) })
	want := []config.Unknown{
		{Name: "LIFELINE_"},
		{Name: "LIFELINE_DIALBUGDET", Nearest: "LIFELINE_DIAL_BUDGET"},
		{Name: "LIFELINE_LEASE_DURATON", Nearest: "LIFELINE_LEASE_DURATION"},
		{Name: "LIFELINE_SMTPURL", Nearest: "LIFELINE_SMTP_URL"},
		{Name: "LIFELINE_TESTING"},
		{Name: "LIFELINE_lease_duration", Nearest: "LIFELINE_LEASE_DURATION"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// Every variable is documented by the program itself, with its default.
func TestUsageNamesEveryVariable(t *testing.T) {
	var usage bytes.Buffer
	if err := config.PrintUsage(&usage); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(usage.String()), "\n") {
		name, rest, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(name, "LIFELINE_") || len(strings.Fields(rest)) < 3 {
			t.Errorf("undocumented: %q", line)
		}
	}
	for _, name := range []string{"HTTP_ADDR", "TEMPORAL_UI_ADDR", "PAYLOAD_KEYS", "SENDGRID_API_KEY", "SENDGRID_HOST", "DATABASE_URL"} {
		if !strings.Contains(usage.String(), "LIFELINE_"+name+" ") {
			t.Errorf("LIFELINE_%s is missing", name)
		}
	}
}

// The first process makes the secrets; every other one that uses the same data
// directory finds the same, even when they start at the same moment.
func TestSecretsAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	var (
		mu    sync.Mutex
		found = map[string]bool{}
		all   sync.WaitGroup
	)
	for i := range 8 {
		all.Go(func() {
			cfg := config.Config{DataDir: dir}
			err := cfg.MakeSecrets(func() (config.Secrets, error) {
				return config.Secrets{Tokens: strings.Repeat("t", i+1), PayloadKeys: strings.Repeat("k", i+1)}, nil
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			found[cfg.Tokens+"/"+cfg.PayloadKeys] = true
		})
	}
	all.Wait()
	if len(found) != 1 {
		t.Errorf("processes of one data directory disagree: %v", found)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("left in the directory: %v, %v", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("secrets are open to others: %v, %v", info.Mode(), err)
	}
}

// What the environment sets wins over what lies in the data directory.
func TestEnvironmentWinsOverSecrets(t *testing.T) {
	cfg := config.Config{DataDir: t.TempDir(), Tokens: "mine"}
	if err := cfg.MakeSecrets(func() (config.Secrets, error) {
		return config.Secrets{Tokens: "theirs", PayloadKeys: "theirs"}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if cfg.Tokens != "mine" || cfg.PayloadKeys != "theirs" {
		t.Errorf("got tokens %q and keys %q", cfg.Tokens, cfg.PayloadKeys)
	}
}

// A damaged file of secrets stops the start; it is never replaced, because what
// Temporal keeps could then be decrypted no more.
func TestDamagedSecretsStopTheStart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secrets.json")
	if err := os.WriteFile(path, []byte(`{"tokens":`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Config{DataDir: dir}
	err := cfg.MakeSecrets(func() (config.Secrets, error) {
		t.Error("new secrets were made over damaged ones")
		return config.Secrets{}, nil
	})
	if err == nil || !strings.Contains(err.Error(), "secrets.json") {
		t.Errorf("error is %v, want one that names the file", err)
	}
}

// The outside-line prefix is handed to whoever classifies numbers; there is none
// unless somebody sets it (B11).
func TestDialPlan(t *testing.T) {
	for _, prefix := range []string{"", "9", "00"} {
		t.Run(prefix, func(t *testing.T) {
			t.Setenv("LIFELINE_DATA_DIR", t.TempDir())
			if prefix != "" {
				t.Setenv("LIFELINE_OUTSIDE_LINE_PREFIX", prefix)
			}
			cfg, err := config.Load()
			if want := (emergency.DialPlan{OutsideLine: prefix}); err != nil || cfg.DialPlan() != want {
				t.Errorf("the plan is %+v, %v; want %+v", cfg.DialPlan(), err, want)
			}
		})
	}
}
