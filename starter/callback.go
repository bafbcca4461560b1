package main

import (
	"context"
	"fmt"
	"strings"
)

type callbackCommand struct {
	To   string `arg:"" name:"number" help:"The number that is called, in E.164, for example +12025550101."`
	From string `help:"Who calls, in E.164; withheld by default." placeholder:"NUMBER"`
	JSON bool   `help:"Print the answer as the service gave it."`
}

// Run asks as a carrier does before it routes an inbound call.
func (c *callbackCommand) Run(t *terminal) error {
	token, err := t.tokens.of(carrier)
	if err != nil {
		return err
	}
	decided, err := t.service.routeInboundCall(context.Background(), token, InboundCall{To: c.To, From: c.From})
	if err != nil {
		return err
	}
	if c.JSON {
		t.sayJSON(decided.json)
		return nil
	}
	t.say(decisionText(c.To, decided.value))
	return nil
}

func decisionText(to string, d RoutingDecision) string {
	var words string
	switch d.Decision {
	case RoutingDecisionDecisionNotAnEmergencyCallback:
		return to + " is not an emergency callback: ordinary routing.\n"
	case RoutingDecisionDecisionConnectAgent:
		words = fmt.Sprintf("%s is %s to %s", to, callbackText(d), d.AgentID)
	case RoutingDecisionDecisionConnectFallback:
		words = fmt.Sprintf("%s is %s that comes late, so the site answers", to, callbackText(d))
	}
	words += fmt.Sprintf(": %s priority, past %s. Ring in this order:\n", d.Priority, bypassText(d.Bypass))
	var rows [][]string
	for i, endpoint := range d.ring() {
		rows = append(rows, []string{
			fmt.Sprintf("  %d. %s", i+1, endpoint.URI), string(endpoint.Kind), fmt.Sprintf("for %d s", endpoint.RingSeconds),
		})
	}
	words += table(rows)
	if d.LegID != "" {
		words += fmt.Sprintf("When it ends: starter end %s --leg %s\n", d.CallID, d.LegID)
	}
	return words
}

// callbackText marks a callback to a test as one (B13).
func callbackText(d RoutingDecision) string {
	if d.Kind == RoutingDecisionKindTest {
		return "a TEST callback"
	}
	return "an emergency callback"
}

func bypassText(bypassed []RoutingDecisionBypass) string {
	var words []string
	for _, rule := range bypassed {
		words = append(words, strings.ReplaceAll(string(rule), "-", " "))
	}
	return strings.Join(words, ", ")
}

// ring is the first endpoint and what comes after it.
func (d RoutingDecision) ring() []Endpoint {
	var ring []Endpoint
	if d.Endpoint.URI != "" {
		ring = append(ring, d.Endpoint)
	}
	if d.Then != nil {
		ring = append(ring, *d.Then...)
	}
	return ring
}
