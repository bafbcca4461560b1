package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"lifeline/internal/emergency"
	"lifeline/workflows"

	"github.com/chromedp/chromedp"
)

// A supervisor who opens the link that standalone prints is logged in and sees in
// the Temporal Web UI's list which calls there are and where they stand; a call's
// page tells the rest, decrypted (B14). Who is not logged in sees no callback
// number.
func TestWebUITellsSupervisorsWhatIsGoingOn(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.standalone()
	carrier := i.as("carrier")
	call := carrier.dial("agent-dk", "112")
	carrier.dial("agent-us", "933")

	webUI := "http://" + i.uiAddr
	page := webUI + "/namespaces/default/workflows/" + strings.ReplaceAll(workflows.WorkflowID(emergency.CallID(call.CallID)), "/", "%2F")

	stranger := newBrowser(t)
	stranger.open(webUI)
	stranger.awaitText("EmergencyPhase", "EmergencyAgent", "agent-dk", "active")
	stranger.open(page)
	stranger.awaitText("Input", "log in to Lifeline as a supervisor")
	if text := stranger.text(); strings.Contains(text, call.CallbackNumber) {
		t.Error("the callback number can be read without a login")
	}

	supervisor := newBrowser(t)
	supervisor.open("http://" + i.apis[0] + "/login#token=" + i.token("supervisor") + "&next=" + webUI)
	supervisor.awaitText("2 RUNNING", "EmergencyCountry", "agent-dk", "DK", "agent-us", "US", "TRUE")
	supervisor.open(page)
	supervisor.awaitText("LeaseNumber", "RegisterRoute", "SetDoNotDisturb", call.CallbackNumber)
	supervisor.click("User Metadata")
	supervisor.awaitText(
		"Emergency call: agent-dk dialed 112 (DK)",
		"Emergency call in progress", call.CallbackNumber, "2 of 2 told", "still up",
	)
}

// browser is a real one, without any window.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// newBrowser starts Chromium with an empty profile; where there is none, it is
// installed first.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(chromium(t)),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // root may not use it, and only our own pages are opened
		chromedp.DisableGPU,
		chromedp.WindowSize(1600, 1000),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
	))
	t.Cleanup(cancel)
	return &browser{t: t, ctx: ctx}
}

// chromium finds Debian's browser, or installs it.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getuid() != 0 {
		t.Fatal("this test needs Chromium: install the package chromium")
	}
	install := exec.CommandContext(t.Context(), "apt-get", "install", "-y", "--no-install-recommends", "chromium")
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if output, err := install.CombinedOutput(); err != nil {
		t.Fatalf("install chromium: %v\n%s", err, output)
	}
	return "chromium"
}

func (b *browser) open(url string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatalf("open page: %v", err)
	}
}

// click follows the link or tab with this text.
func (b *browser) click(text string) {
	b.t.Helper()
	script := fmt.Sprintf(`[...document.querySelectorAll("a, button")].find((e) => e.innerText.trim().startsWith(%q)).click()`, text)
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](script)); err != nil {
		b.t.Fatalf("click on %q: %v", text, err)
	}
}

// readable collects what a person can read on a page, frames included: the Web UI
// shows Markdown in some.
const readable = `[document, ...[...document.querySelectorAll("iframe")].map((f) => f.contentDocument)]
	.map((d) => d?.body?.innerText ?? "").join("\n")`

func (b *browser) text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](readable))
	if err != nil {
		return "" // the page is being replaced
	}
	return text
}

// awaitText waits until all of this can be read.
func (b *browser) awaitText(phrases ...string) {
	b.t.Helper()
	await(b.t, "the page to show its text", func() error {
		text := b.text()
		for _, phrase := range phrases {
			if !strings.Contains(text, phrase) {
				return fmt.Errorf("%q is not on the page:\n%s", phrase, text)
			}
		}
		return nil
	})
}
