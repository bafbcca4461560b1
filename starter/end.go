package main

import "context"

type endCommand struct {
	Call   string `arg:"" help:"The call to end."`
	Leg    string `help:"End this leg alone." placeholder:"LEG"`
	Reason string `help:"Why it ended; hung-up when nothing is said." placeholder:"REASON"`
	JSON   bool   `help:"Print the answer as the service gave it."`
}

// Run ends as the phone system, or as the agent at that agent's own terminal.
func (c *endCommand) Run(t *terminal) error {
	token, err := t.tokens.ofOrOwn(carrier)
	if err != nil {
		return err
	}
	ended, err := t.service.endCall(context.Background(), token, c.Call, c.Leg, EndRequest{Reason: c.Reason})
	if err != nil {
		return err
	}
	if c.JSON {
		t.sayJSON(ended.json)
		return nil
	}
	t.say(callText(ended.value))
	return nil
}
