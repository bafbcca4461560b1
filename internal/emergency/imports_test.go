package emergency_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The domain imports the standard library alone, so that nothing outside can
// change a rule.
func TestImportsTheStandardLibraryAlone(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	output, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if got := strings.TrimSpace(string(output)); got != "lifeline/internal/emergency" {
		t.Errorf("beside the standard library the domain needs:\n%s", got)
	}
}
