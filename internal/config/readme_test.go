package config_test

import (
	"os"
	"strings"
	"testing"

	"lifeline/internal/config"

	"github.com/kelseyhightower/envconfig"
)

// README shows every variable as the program documents it, and no other.
func TestReadmeListsEveryVariable(t *testing.T) {
	const row = "{{range .}}| `{{usage_key .}}` | {{with usage_default .}}`{{.}}`{{end}} | {{usage_description .}} |\n{{end}}"
	var table strings.Builder
	if err := envconfig.Usagef("lifeline", &config.Config{}, &table, row); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	const head = "|---|---|---|\n"
	if !strings.Contains(string(readme), head+table.String()+"\n") {
		t.Errorf("the table in README.md must be\n\n%s", table.String())
	}
}
