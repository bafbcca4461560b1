package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// No request has a field twice, wherever it stands and however it is escaped: the first
// value would be lost, and nobody told. The problem names the field, and nothing is done.
func TestRepeatedField(t *testing.T) {
	for _, c := range []struct {
		name, body, field string
	}{
		{"a field", `{"name":"A","name":"B"}`, "name"},
		{"the same value", `{"name":"A","name":"A"}`, "name"},
		{"behind others", `{"name":"A","list":[1,{"a":[]}],"name":"B"}`, "name"},
		{"by an escape", `{"name":"A","n\u0061me":"B"}`, "name"},
		{"within an object", `{"a":{"b":{"c":1,"c":2}}}`, "a.b.c"},
		{"within a list", `{"rules":[{"name":"A"},{"name":"B","trunk":"x","trunk":"y"}]}`, "rules.1.trunk"},
		{"within a list of lists", `[[],[1,[{"a":1,"a":2}]]]`, "1.1.0.a"},
		{"objects", `{"a":{},"a":{}}`, "a"},
		{"an empty name", `{"":1,"":2}`, ""},
		{"the first of two", `{"a":{"b":1,"b":2},"a":3}`, "a.b"},
		{"a name that is also a value", `{"a":"b","b":"a","c":["a","a"]}`, "-"},
		{"in two objects", `{"a":{"name":1},"b":[{"name":1},{"name":1}],"name":1}`, "-"},
		{"another case", `{"a":1,"A":2}`, "-"},
		{"no object", `"a"`, "-"},
		{"very deep", strings.Repeat(`{"a":[`, 4000) + strings.Repeat(`]}`, 4000), "-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !json.Valid([]byte(c.body)) {
				t.Fatal("the body is not JSON")
			}
			path, found := repeatedField([]byte(c.body))
			if got := strings.Join(path, "."); found != (c.field != "-") || found && got != c.field {
				t.Errorf("it finds %v at %q, want %q", found, got, c.field)
			}
		})
	}
}

// Every operation that takes a body refuses it.
func TestRepeatedFieldInEveryRequest(t *testing.T) {
	for _, op := range theContract() {
		if op.body == nil {
			continue
		}
		t.Run(op.id, func(t *testing.T) {
			twice := samples[op.id]
			twice.body = `{"twice":{"inner":1,"inner":2}}`
			holder := strings.Replace(twice.roles[0], "agent", "agent-us", 1)
			w := newRig(t, withCodec).do(t, twice.ask("agent-us", holder))
			var problem Problem
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
				t.Fatal(err)
			}
			if w.Code != http.StatusBadRequest || problem.Field != "twice.inner" {
				t.Errorf("the answer is %d: %s", w.Code, w.Body)
			}
		})
	}
}

// What encoding/json writes has no field twice; with one object's first field written
// again, it has.
func TestRepeatedFieldOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"a", "b", "ä", `"`, ""})
		var draw func(depth int) any
		draw = func(depth int) any {
			switch kind := rapid.IntRange(0, 4).Draw(t, "kind"); {
			case kind == 0 && depth > 0:
				return rapid.MapOfN(name, rapid.Custom(func(*rapid.T) any { return draw(depth - 1) }), 0, 3).Draw(t, "object")
			case kind == 1 && depth > 0:
				return []any{draw(depth - 1), draw(depth - 1)}
			default:
				return name.Draw(t, "value")
			}
		}
		value := map[string]any{"first": draw(3)}
		body, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if path, found := repeatedField(body); found {
			t.Fatalf("%s has %v twice", body, path)
		}
		twice := strings.TrimSuffix(string(body), "}") + `,"first":null}`
		if path, found := repeatedField([]byte(twice)); !found || strings.Join(path, ".") != "first" {
			t.Fatalf("%s has %v twice, %v", twice, path, found)
		}
	})
}
