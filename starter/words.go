package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// utc shows a time to the second, which is what people need of it.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func isTest(call Call) bool { return call.Kind == CallKindTest }

// kindText marks a test wherever a call is shown (B13).
func kindText(call Call) string {
	if isTest(call) {
		return "TEST"
	}
	return "Emergency"
}

func statusText(status CallStatus) string {
	if status == CallStatusCallbackWindow {
		return "in its callback window"
	}
	return string(status)
}

// numberText is what the PSAP sees, and how long it reaches the agent.
func numberText(call Call) string {
	words := fmt.Sprintf("%s, leased until %s at least", call.CallbackNumber, utc(call.WindowEndsAt))
	if call.CallbackNumberKind == CallCallbackNumberKindStanding {
		words = call.CallbackNumber + ", the standing one of the site, since no callback number is leased to this call"
	}
	if call.Degraded {
		words += "; degraded, the rest is done later"
	}
	return words
}

func presenceText(presence CallPresence) string {
	if presence.Previous == "" { // the database has not been asked
		return presence.Current
	}
	return fmt.Sprintf("%s, before the latest leg %s", presence.Current, presence.Previous)
}

func overText(call Call) string {
	if call.CallbackNumberKind == CallCallbackNumberKindLeased {
		return "the call is over and has let go of its callback number"
	}
	return "the call is over"
}

func legText(leg Leg) string {
	words := fmt.Sprintf("%s %s, up since %s", leg.Direction, leg.LegID, utc(leg.StartedAt))
	if leg.State == LegStateEnded {
		words = fmt.Sprintf("%s %s, %s to %s, %s", leg.Direction, leg.LegID, utc(leg.StartedAt), utc(leg.EndedAt), leg.Reason)
	}
	return words
}

// pathText is the way that a call takes, without any number.
func pathText(route Route) string {
	if route.Path == RoutePathNone {
		return "none, since a test may use no line here"
	}
	ways := []string{wayText(string(route.Path), route.Trunk)}
	for _, hop := range route.FailOver {
		ways = append(ways, "else "+wayText(string(hop.Path), hop.Trunk))
	}
	return strings.Join(ways, ", ")
}

func wayText(path, trunk string) string {
	if trunk == "" {
		return path
	}
	return path + " over " + trunk
}

// routeText names the number only where it is not the one dialed.
func routeText(call Call) string {
	text := pathText(call.Route)
	if number := call.Route.Number; number != "" && number != call.DialedNumber {
		text += ", dialed there as " + number
	}
	return text + ", caller ID " + call.Route.CallerID
}

func noticeText(notice Notification) string {
	if len(notice.Recipients) == 0 {
		return "nobody to be told"
	}
	var words []string
	for _, r := range notice.Recipients {
		word := fmt.Sprintf("%s %s", r.Address, r.State)
		if r.Event != RecipientEventPlaced {
			word += " (" + noticeName(r) + ")"
		}
		if r.Reason != "" {
			word += ": " + r.Reason
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// noticeName tells apart the notices that one recipient gets of a call.
func noticeName(r Recipient) string {
	switch {
	case r.Event == RecipientEventPlaced:
		return "notice"
	case r.Round > 0:
		return fmt.Sprintf("%s notice %d", r.Event, r.Round)
	default:
		return string(r.Event) + " notice"
	}
}

// callText is a call on one screen.
func callText(call Call) string {
	head := fmt.Sprintf("%s call of %s to %s (%s) is %s.\n",
		kindText(call), call.AgentID, call.DialedNumber, call.Country, statusText(call.Status))
	if call.Controls.Warning != "" {
		head += call.Controls.Warning + "\n"
	}
	rows := [][]string{
		{"  call", call.CallID},
		{"  number", numberText(call)},
		{"  route", routeText(call)},
	}
	for _, leg := range call.Legs {
		rows = append(rows, []string{"  leg", legText(leg)})
	}
	rows = append(rows,
		[]string{"  presence", presenceText(call.Presence)},
		[]string{"  notice", noticeText(call.Notification)},
	)
	for _, warning := range call.Warnings {
		rows = append(rows, []string{"  warning", warning.Detail})
	}
	return head + table(rows)
}

// table puts cells under each other.
func table(rows [][]string) string {
	var text strings.Builder
	aligned := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = io.WriteString(aligned, strings.Join(row, "\t")+"\n") // memory takes everything
	}
	_ = aligned.Flush() // as it does here
	return text.String()
}
