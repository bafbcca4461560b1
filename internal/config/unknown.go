package config

import (
	"os"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// Unknown is a variable that looks as if it was meant for Lifeline and is not: a
// misspelt one, whose default counts unnoticed.
type Unknown struct {
	// Name is the variable's, as it was set. Its value may be a secret.
	Name string
	// Nearest is the known variable that it may have been meant to be; empty when none
	// comes close.
	Nearest string
}

// FindUnknown looks for such variables in the environment, by name. None of them is a
// reason not to start: a slip must not take down what people call for help with. Those
// that begin with LIFELINE_TEST_ are the tests' own.
func FindUnknown() []Unknown {
	const prefix = "LIFELINE_"
	known := variables()
	var unknown []Unknown
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, prefix)
		if ours && !strings.HasPrefix(rest, "TEST_") && !slices.Contains(known, name) {
			unknown = append(unknown, Unknown{Name: name, Nearest: nearest(name, known, len(rest)/2)})
		}
	}
	slices.SortFunc(unknown, func(a, b Unknown) int { return strings.Compare(a.Name, b.Name) })
	return unknown
}

// variables are the names of all that configure Lifeline.
func variables() []string {
	var names strings.Builder
	if err := envconfig.Usagef("lifeline", &Config{}, &names, "{{range .}}{{usage_key .}} {{end}}"); err != nil {
		panic(err) // the template above is wrong
	}
	return strings.Fields(names.String())
}

// nearest is the name that takes the fewest changes, and at most so many.
func nearest(name string, known []string, most int) string {
	found := ""
	for _, candidate := range known {
		if changes := distance(strings.ToUpper(name), candidate); changes <= most {
			found, most = candidate, changes-1
		}
	}
	return found
}

// distance is Levenshtein's: how many letters to add, take away or replace.
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := diagonal
			if from[i] != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
