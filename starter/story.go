package main

import (
	"slices"
	"time"
)

// line is one thing that happened, in words.
type line struct {
	// at is when it happened; zero for what is so now.
	at          time.Time
	agent, call string
	test        bool
	text        string
}

func newLine(call Call, at time.Time, text string) line {
	return line{at: at, agent: call.AgentID, call: call.CallID, test: isTest(call), text: text}
}

// story is all that a call tells of itself, oldest first.
func story(call Call) []line {
	lines := []line{dialedLine(call)}
	for _, leg := range call.Legs {
		lines = append(lines, upLine(call, leg))
		lines = append(lines, endLines(call, leg)...)
	}
	lines = append(lines, noticeLines(call)...)
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	return lines
}

// news is what one event says of a call. It takes no more than that from the call,
// which may have gone on since, so that everything is told in its turn.
func news(event Event, call Call) []line {
	var lines []line
	if event.Type == EventTypeCallPlaced {
		lines = append(lines, dialedLine(call))
	}
	for _, leg := range call.Legs {
		switch {
		case leg.LegID != event.LegID:
		case event.Type == EventTypeLegEnded:
			lines = append(lines, endLines(call, leg)...)
		default:
			lines = append(lines, upLine(call, leg))
		}
	}
	switch event.Type {
	case EventTypeCallPlaced, EventTypeNoticeUpdated:
		lines = append(lines, noticeLines(call)...)
	case EventTypeCallClosed:
		lines = append(lines, newLine(call, event.At, overText(call)))
	case EventTypeCallbackReceived, EventTypeLegEnded: // the legs have told it
	case EventTypeCountriesDiffer:
		lines = append(lines, newLine(call, event.At, countriesDiffer))
	case EventTypeNumberLeased:
		lines = append(lines, newLine(call, event.At, "number of the agent is now "+call.CallbackNumber))
	case EventTypeNumberCorrected:
		lines = append(lines, newLine(call, event.At, "the database did not answer the dial: the emergency service saw "+call.Route.CallerID))
	case EventTypeNumberLost:
		lines = append(lines, newLine(call, event.At, "the emergency service saw "+call.Route.CallerID+
			", which is not the agent's: a callback may reach SOMEBODY ELSE"))
	case EventTypePresenceChanged, EventTypeCallRefused, EventTypeReadinessChanged, EventTypePoolChanged, EventTypeConfigurationChanged:
		// are no call's
	}
	return lines
}

// countriesDiffer is what to say when the two who may know where a caller is disagree.
const countriesDiffer = "device and directory name different countries"

// otherText is what an event says that concerns no call that was placed.
func otherText(event Event) string {
	if event.Type == EventTypeCountriesDiffer {
		return countriesDiffer
	}
	refused := "an emergency call was REFUSED: "
	if event.Kind == EventKindTest {
		refused = "a test call was REFUSED: "
	}
	before, known := map[EventType]string{
		EventTypeCallRefused:          refused,
		EventTypeReadinessChanged:     "readiness is ",
		EventTypePoolChanged:          "the pool of callback numbers is ",
		EventTypeConfigurationChanged: "an administrator's change: ",
	}[event.Type]
	if !known {
		return ""
	}
	return before + event.Status
}

func dialedLine(call Call) line {
	return newLine(call, call.DialedAt, "dialed "+call.DialedNumber+" ("+call.Country+"), number "+numberText(call))
}

func upLine(call Call, leg Leg) line {
	return newLine(call, leg.StartedAt, string(leg.Direction)+" leg "+leg.LegID+" is up")
}

// endLines are none while the leg is up. The last leg to end opens the window.
func endLines(call Call, leg Leg) []line {
	if leg.State != LegStateEnded {
		return nil
	}
	lines := []line{newLine(call, leg.EndedAt, string(leg.Direction)+" leg "+leg.LegID+" has ended: "+leg.Reason)}
	if legsUp(call) == 0 && leg.EndedAt.Equal(lastEnd(call)) {
		lines = append(lines, newLine(call, leg.EndedAt, "callback window is open until "+utc(call.WindowEndsAt)))
	}
	return lines
}

func noticeLines(call Call) []line {
	var lines []line
	for _, r := range call.Notification.Recipients {
		lines = append(lines, newLine(call, r.UpdatedAt, noticeName(r)+" to "+r.Address+" is "+string(r.State)))
	}
	return lines
}

func legsUp(call Call) int {
	up := 0
	for _, leg := range call.Legs {
		if leg.State == LegStateUp {
			up++
		}
	}
	return up
}

// lastEnd is when the last leg ended; zero while none has.
func lastEnd(call Call) time.Time {
	var last time.Time
	for _, leg := range call.Legs {
		if leg.EndedAt.After(last) {
			last = leg.EndedAt
		}
	}
	return last
}
