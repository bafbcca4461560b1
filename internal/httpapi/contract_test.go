package httpapi

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// The contract is a valid OpenAPI document, and the copy in the program is the
// one in api/openapi.yaml.
func TestEmbeddedContract(t *testing.T) {
	written, err := openapi3.NewLoader().LoadFromFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := written.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	// The generator leaves out what other handlers serve.
	written.Paths.Value("/metrics").Get = nil
	written.Paths.Value("/v1/sendgrid-events").Post = nil
	embedded, err := GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(generic(t, written), generic(t, embedded)); diff != "" {
		t.Errorf("run oapi-codegen again (-written +embedded):\n%s", diff)
	}
}

func generic(t *testing.T, spec *openapi3.T) any {
	t.Helper()
	text, err := spec.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Every operation is either public or in the table of roles, and the table has
// no line without an operation.
func TestAccessIsComplete(t *testing.T) {
	wanted := map[string]bool{decodePayloads: true}
	for _, op := range theContract() {
		if !op.public {
			wanted[op.id] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(wanted)), slices.Sorted(maps.Keys(access))); diff != "" {
		t.Errorf("access (-contract +table):\n%s", diff)
	}
}

// The walk over parameters knows strings alone, so the contract has no others.
func TestParametersAreStrings(t *testing.T) {
	for route, op := range theContract() {
		for _, param := range op.params {
			if !param.Schema.Value.Type.Is("string") {
				t.Errorf("%s: parameter %s is no string", route, param.Name)
			}
		}
	}
}

// What the patterns of the contract ask for is said in words: nobody should have to read
// a regular expression.
func TestPatternsInWords(t *testing.T) {
	spec, err := GetSpec()
	if err != nil {
		t.Fatal(err)
	}
	text, err := spec.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"pattern":("(?:[^"\\]|\\.)*")`).FindAllSubmatch(text, -1)
	seen := map[string]bool{}
	for _, match := range found {
		var pattern string
		if err := json.Unmarshal(match[1], &pattern); err != nil {
			t.Fatal(err)
		}
		seen[pattern] = true
		if words := patternWords[pattern]; !strings.HasPrefix(words, "must be ") || strings.Contains(words, "^") {
			t.Errorf("%s is said as %q", pattern, words)
		}
	}
	if len(seen) != len(patternWords) {
		t.Errorf("the contract has %d patterns, and there are words for %d", len(seen), len(patternWords))
	}
}
