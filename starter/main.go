// Starter places, follows and ends a call from a terminal. It knows Lifeline's HTTP
// contract alone, so what it can do, any desktop or phone system can do.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"lifeline/internal/config"

	"github.com/alecthomas/kong"
)

// The exit codes, so that a script can tell a refusal from its own mistake.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the command line.
type commands struct {
	Dial     dialCommand     `cmd:"" help:"Place an emergency call as an agent."`
	Watch    watchCommand    `cmd:"" help:"Follow a call, or everything, one line per change; Ctrl-C leaves."`
	End      endCommand      `cmd:"" help:"End every live leg of a call, or one of them."`
	Callback callbackCommand `cmd:"" help:"Play the carrier: ask where a call to a number goes."`
	List     listCommand     `cmd:"" help:"List the live calls."`
	Drill    drillCommand    `cmd:"" help:"Make a test call for every agent, or some, and write a report of what each step took."`
}

// terminal is what every command works with.
type terminal struct {
	out, err io.Writer
	// broken is why something could not be said.
	broken  error
	service service
	tokens  tokens
}

func (t *terminal) say(text string) {
	if _, err := io.WriteString(t.out, text); err != nil {
		t.broken = fmt.Errorf("print answer: %w", err)
	}
}

// sayJSON prints an answer for scripts, as it came.
func (t *terminal) sayJSON(raw []byte) { t.say(string(bytes.TrimSpace(raw)) + "\n") }

// note tells what is not part of the answer.
func (t *terminal) note(text string) {
	_, _ = io.WriteString(t.err, "starter: "+text+"\n") // there is no other place to say it
}

func run(args []string, out, errs io.Writer) int {
	helped := false
	parser, err := kong.New(&commands{},
		kong.Name("starter"),
		kong.Description("Places, follows and ends an emergency call from a terminal. Times are in UTC."),
		kong.Writers(out, errs),
		kong.Help(help),
		kong.Exit(func(int) { helped = true }),
	)
	if err != nil {
		panic(err) // the command line above is wrong, whatever the arguments are
	}
	t := &terminal{out: out, err: errs}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return exitDone
	case slices.ContainsFunc(args, isEmpty):
		t.note("an argument is empty; see starter --help")
		return exitUsage
	case err != nil:
		t.note(err.Error() + "; see starter --help")
		return exitUsage
	}
	if err = t.configure(); err == nil {
		err = command.Run(t)
	}
	if err = cmp.Or(err, t.broken); err != nil {
		t.note(err.Error())
		return exitFailed
	}
	return exitDone
}

// isEmpty finds an argument that a script has no value for: without the leg, `end` would
// end every one.
func isEmpty(arg string) bool {
	return arg == "" || strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, "=")
}

// configure finds the service and the tokens where the service has them from.
func (t *terminal) configure() error {
	for _, unknown := range config.FindUnknown() {
		t.note(fmt.Sprintf("%s is not known and changes nothing (nearest: %s)", unknown.Name, cmp.Or(unknown.Nearest, "none")))
	}
	cfg, err := config.Load()
	if err == nil {
		err = cfg.ReadSecrets()
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	held, err := parseTokens(cfg.Tokens)
	if err != nil {
		return fmt.Errorf("LIFELINE_TOKENS: %w", err)
	}
	t.service = newService(cfg.HTTPAddr)
	t.tokens = tokens{held: held, dir: cfg.DataDir}
	return nil
}

// help adds the environment variables that concern this program, in the words
// that configure every other one.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return fmt.Errorf("print help: %w", err)
	}
	var all bytes.Buffer
	if err := config.PrintUsage(&all); err != nil {
		return fmt.Errorf("print help: %w", err)
	}
	var rows [][]string
	for line := range strings.Lines(all.String()) {
		name, rest, _ := strings.Cut(line, " ")
		switch name {
		case "LIFELINE_HTTP_ADDR", "LIFELINE_DATA_DIR", "LIFELINE_TOKENS":
			rows = append(rows, []string{"  " + name, strings.TrimSpace(rest)})
		}
	}
	words := "\nEnvironment:\n" + table(rows) + "\nExit codes: 0 done, 1 refused or failed, 2 wrong arguments.\n"
	_, err := io.WriteString(ctx.Stdout, words)
	return err //nolint:wrapcheck // writing to the terminal
}
