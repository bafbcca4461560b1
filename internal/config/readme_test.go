package config_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"lifeline/internal/config"

	"github.com/kelseyhightower/envconfig"
)

// docker-compose.yml hands every variable on, so that none is set in vain. The container's
// own directory and address are the image's, and the file makes the namespace `default`.
func TestComposeHandsOnEveryVariable(t *testing.T) {
	var names strings.Builder
	if err := envconfig.Usagef("lifeline", &config.Config{}, &names, "{{range .}}{{usage_key .}} {{end}}"); err != nil {
		t.Fatal(err)
	}
	compose, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"LIFELINE_HTTP_ADDR", "LIFELINE_DATA_DIR", "LIFELINE_TEMPORAL_NAMESPACE"}
	for name := range strings.FieldsSeq(names.String()) {
		if handed := strings.Contains(string(compose), "\n    "+name+":"); handed == slices.Contains(own, name) {
			t.Errorf("%s is handed on: %v", name, handed)
		}
	}
}

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
