package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readme is the text between two headings of README, or to its end.
func readme(t *testing.T, from, to string) string {
	t.Helper()
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(raw), "\n## "+from+"\n")
	text, _, ends := strings.Cut(text, "\n## "+to+"\n")
	if !found || !ends {
		t.Fatalf("README has no part %q before %q", from, to)
	}
	return text
}

// What differs from run to run: IDs, and the time. Fractions of a second may be none.
var (
	anyID   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	anyTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
)

// alike is a text without what differs from run to run. IDs are numbered, so that it
// still tells which are the same.
func alike(text string) string {
	ids := map[string]string{}
	text = anyID.ReplaceAllStringFunc(text, func(id string) string {
		if ids[id] == "" {
			ids[id] = "ID " + string(rune('A'+len(ids)))
		}
		return ids[id]
	})
	return anyTime.ReplaceAllString(text, "TIME")
}

// The terminal shows what README says that it shows, whoever has changed which of them.
// What a watcher is told of before it looks depends on how fast it is, and is left out.
func TestReadmeShowsTheTerminal(t *testing.T) {
	t.Parallel()
	shown := map[string]string{}
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(readme(t, "The first call, in a minute", "What it costs"), -1) {
		for command := range strings.SplitSeq("\n"+block[1], "\n$ bin/starter ") {
			if verb, _, _ := strings.Cut(command, " "); shown[verb] == "" {
				shown[verb] = command + "\n"
			}
		}
	}
	for verb, output := range lifeOfACall(t) {
		before, _, shortened := strings.Cut(shown[verb], "\n…")
		want, got := inOrder(before), inOrder(output)
		if shortened {
			got = got[:min(len(want), len(got))]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("starter %s says something else than README (-README +starter)\n%s", verb, diff)
		}
	}
}

// lifeOfACall plays it with the commands of README, and gives each with what it has said.
func lifeOfACall(t *testing.T) map[string]string {
	t.Helper()
	i := newInstallation(t, shortTerms...)
	i.standalone()
	said := map[string]string{}
	play := func(args ...string) { said[args[0]] = strings.Join(args, " ") + "\n" + i.starter(args...) }
	play("dial", "agent-us", "911")
	id := anyID.FindString(said["dial"])
	watching := i.launchStarter("watch", id)
	told := func() int { return strings.Count(watching.output(t), " is sent\n") }
	awaitEqual(t, "how many have been told", 2, told)
	play("end", id)
	play("callback", "+12025550101", "--from", "+12025550199")
	awaitEqual(t, "how many have been told, the callback included", 4, told)
	i.starter(strings.Fields(said["callback"][strings.LastIndex(said["callback"], "end "):])...)
	if code := watching.exitCode(t); code != 0 {
		t.Errorf("watch exits with %d", code)
	}
	said["watch"] = "watch " + id + "\n" + watching.output(t)
	return said
}

// inOrder are the lines of a terminal that are the same in every run. The recipients of
// a notice are told at once, so either may be the first.
func inOrder(output string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(alike(output)), "\n") {
		if !strings.HasPrefix(line, "now ") && !strings.HasSuffix(line, "is queued") {
			lines = append(lines, line)
		}
	}
	for n := 1; n < len(lines); n++ {
		if told := strings.HasSuffix(lines[n], " is sent") && strings.HasSuffix(lines[n-1], " is sent"); told && lines[n] < lines[n-1] {
			lines[n-1], lines[n] = lines[n], lines[n-1]
		}
	}
	return lines
}

// The examples of the API in README work one after the other, as they stand there, and
// are answered as it says.
func TestReadmeShowsTheAPI(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	answers, set := []string{}, map[string]string{}
	for _, block := range regexp.MustCompile("(?s)```(sh|json)\n(.*?)```").FindAllStringSubmatch(readme(t, "The API by example", "Configuration"), -1) {
		if block[1] == "json" {
			if diff := cmp.Diff(decoded(t, block[2]), decoded(t, answers[len(answers)-1])); diff != "" {
				t.Errorf("the answer is not README's (-README +answer)\n%s", diff)
			}
			continue
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(block[2], ",\n  ", ", "), "\n") {
			if name, value, found := strings.Cut(line, "="); found && !strings.Contains(name, " ") {
				set["$"+name] = value
			}
			if strings.HasPrefix(line, "call ") {
				answers = append(answers, i.curl(line, set))
			}
		}
	}
	if len(answers) < 10 {
		t.Errorf("README has %d examples", len(answers))
	}
}

// curl does what README's function does with curl, and gives the answer. Of a stream it
// is nothing.
func (i *installation) curl(line string, set map[string]string) string {
	i.t.Helper()
	words := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1)
	for n, word := range words {
		words[n] = strings.Trim(word, "'")
		for _, name := range slices.Sorted(maps.Keys(set)) {
			words[n] = strings.ReplaceAll(words[n], name, set[name])
		}
	}
	method, path, body, header := http.MethodGet, words[1], "", http.Header{}
	for n := 3; n < len(words) && words[n] != "#"; n++ {
		switch words[n] {
		case "-d":
			n++
			if body = words[n]; method == http.MethodGet {
				method = http.MethodPost
			}
		case "-X":
			n++
			method = words[n]
		case "-H":
			n++
			name, value, _ := strings.Cut(words[n], ": ")
			header.Set(name, value)
		case "-N":
		default:
			i.t.Fatalf("%s: what is %q?", line, words[n])
		}
	}
	response, err := i.as(words[2]).open(method, path, []byte(body), header)
	if err != nil {
		i.t.Fatal(line, ": ", err)
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return ""
	}
	var answer json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		i.t.Fatal(line, ": ", err)
	}
	if response.StatusCode >= http.StatusBadRequest && !strings.Contains(line, `"411"`) {
		i.t.Errorf("%s: %d %s", line, response.StatusCode, answer)
	}
	return string(answer)
}

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(regexp.MustCompile(`"requestId": ?"[0-9a-f]+"`).ReplaceAllString(alike(text), `"requestId":""`)), &value); err != nil {
		t.Fatalf("read %s: %v", text, err)
	}
	return value
}
