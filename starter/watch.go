package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

type watchCommand struct {
	Call string `arg:"" optional:"" help:"The call to follow until it is over; without one, all calls and agents."`
}

// Run follows until the call is over or somebody leaves with Ctrl-C.
func (c *watchCommand) Run(t *terminal) error {
	token, err := t.tokens.ofOrOwn(supervisor)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := &watcher{
		terminal: t,
		stream:   newStream(t.service, token),
		only:     c.Call,
		calls:    map[string]Call{},
		told:     map[string][]line{},
		shown:    map[string]string{},
	}
	return w.run(ctx)
}

// errOver ends a watch with its call.
var errOver = errors.New("the call is over")

// watcher tells everything once, however often the stream breaks: an event says
// which part of a call to read and to tell.
type watcher struct {
	terminal *terminal
	stream   *stream
	// only is the call to follow; empty for all.
	only string
	// calls are the calls as they were read last.
	calls map[string]Call
	// told are the lines that have been told, by call.
	told map[string][]line
	// shown is the presence that was told last, by agent.
	shown map[string]string
	// joined says that the present has been told once.
	joined bool
	// lost says that the stream is broken, and that this was told.
	lost bool
}

// run connects again whenever the stream breaks, once it has worked.
func (w *watcher) run(ctx context.Context) error {
	for {
		err := w.stream.follow(ctx, w.begin, w.handle)
		switch {
		case errors.Is(err, errOver), ctx.Err() != nil:
			return nil
		case !w.joined || !passing(err) || w.terminal.broken != nil:
			return err
		case !w.lost:
			w.terminal.note(fmt.Sprintf("%v; trying again until it is back", err))
			w.lost = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(w.stream.retry):
		}
	}
}

// begin tells the present, the first time that the stream begins.
func (w *watcher) begin(ctx context.Context) error {
	if w.lost {
		w.terminal.note("following again")
		w.lost = false
	}
	if w.joined {
		return nil
	}
	calls, err := w.present(ctx)
	if err != nil {
		return err
	}
	w.joined = true
	for _, call := range calls {
		w.join(call)
	}
	if w.only == "" {
		w.terminal.note("following all calls and agents; Ctrl-C leaves")
		return nil
	}
	if calls[0].Status == CallStatusEnded {
		return errOver
	}
	return nil
}

// join tells a call that was there before anybody watched.
func (w *watcher) join(call Call) {
	w.calls[call.CallID] = call
	w.shown[call.AgentID] = call.Presence.Current
	w.tell(story(call)...)
	w.tell(newLine(call, time.Time{}, "presence is "+presenceText(call.Presence)))
	if call.Status == CallStatusEnded {
		w.tell(newLine(call, time.Time{}, overText(call)))
	}
}

func (w *watcher) present(ctx context.Context) ([]Call, error) {
	if w.only == "" {
		live, err := w.terminal.service.listCalls(ctx, w.stream.token)
		return live.value, err
	}
	call, err := w.terminal.service.getCall(ctx, w.stream.token, w.only)
	return []Call{call.value}, err
}

// handle tells what an event stands for.
func (w *watcher) handle(ctx context.Context, event Event) error {
	if event.Type == EventTypePresenceChanged {
		w.tellPresence(event)
		return w.terminal.broken
	}
	if event.CallID == "" || event.Type == EventTypeCallRefused {
		w.tellOther(event)
		return w.terminal.broken
	}
	if w.only != "" && event.CallID != w.only {
		return nil
	}
	call, err := w.terminal.service.getCall(ctx, w.stream.token, event.CallID)
	switch {
	case err == nil:
		w.calls[event.CallID] = call.value
	case !isUnknownCall(err):
		return err
	case w.calls[event.CallID].CallID == "": // a dial that was refused
		w.tellOther(event)
		return w.terminal.broken
	} // a call that was known has been erased
	w.tell(news(event, w.calls[event.CallID])...)
	if event.Type == EventTypeCallClosed && w.only != "" {
		return errOver
	}
	return w.terminal.broken
}

func (w *watcher) tellPresence(event Event) {
	concerned := w.only == "" || event.AgentID == w.calls[w.only].AgentID
	if concerned && w.shown[event.AgentID] != event.Status {
		w.shown[event.AgentID] = event.Status
		w.tell(line{at: event.At, agent: event.AgentID, text: "presence is " + event.Status})
	}
}

// tellOther tells what concerns no call that was placed, to who follows everything.
func (w *watcher) tellOther(event Event) {
	words := otherText(event)
	if w.only == "" && words != "" {
		w.tell(line{
			at: event.At, agent: cmp.Or(event.AgentID, event.SiteID, "-"), call: event.CallID,
			test: event.Kind == EventKindTest, text: words,
		})
	}
}

// tell prints those of the lines that have not been told yet.
func (w *watcher) tell(lines ...line) {
	for _, l := range lines {
		if l.call != "" && slices.Contains(w.told[l.call], l) {
			continue
		}
		w.terminal.say(w.format(l))
		if l.call != "" {
			w.told[l.call] = append(w.told[l.call], l)
		}
	}
}

func (w *watcher) format(l line) string {
	at := "now"
	if !l.at.IsZero() {
		at = utc(l.at)
	}
	columns := []string{fmt.Sprintf("%-20s", at), l.agent}
	if w.only == "" {
		columns = append(columns, cmp.Or(l.call, "-"))
	}
	if l.test {
		columns = append(columns, "TEST")
	}
	return strings.Join(append(columns, l.text), "  ") + "\n"
}
