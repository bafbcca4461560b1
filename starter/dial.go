package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

type dialCommand struct {
	Agent  string `arg:"" help:"The agent who dials."`
	Number string `arg:"" help:"What is dialed, for example 911."`
	Key    string `help:"Idempotency key: dialing again with the same one is the same call. A new one by default." placeholder:"KEY"`
	JSON   bool   `help:"Print the answer as the service gave it."`
}

// Run places the call with the agent's own token, or else the phone system's.
func (c *dialCommand) Run(t *terminal) error {
	token, err := t.tokens.of(agentOf+c.Agent, carrier)
	if err != nil {
		return err
	}
	if c.Key == "" {
		c.Key = rand.Text()
	}
	placed, err := t.service.placeCall(context.Background(), token, DialRequest{AgentID: c.Agent, DialedNumber: c.Number}, c.Key)
	if lost, ok := errors.AsType[*networkError](err); ok {
		return c.unanswered(lost)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		t.sayJSON(placed.json)
		return nil
	}
	t.say(callText(placed.value))
	t.say(fmt.Sprintf("Follow it with: starter watch %[1]s\nEnd it with:    starter end %[1]s\n", placed.value.CallID))
	return nil
}

// unanswered says what to do when nobody knows whether help is on its way.
func (c *dialCommand) unanswered(lost *networkError) error {
	const mobile = "In an emergency dial the local emergency number from a mobile phone."
	if !lost.sent() {
		return fmt.Errorf("%w. %s", lost, mobile)
	}
	return fmt.Errorf("%w, so the call may have been placed or not. %s `starter dial %s %s --key %s` asks again and places no second call",
		lost, mobile, c.Agent, c.Number, c.Key)
}
