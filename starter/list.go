package main

import (
	"context"
	"strconv"
)

type listCommand struct {
	JSON bool `help:"Print the answer as the service gave it."`
}

// Run shows every live call, or at an agent's own terminal that agent's.
func (c *listCommand) Run(t *terminal) error {
	token, err := t.tokens.ofOrOwn(supervisor)
	if err != nil {
		return err
	}
	live, err := t.service.listCalls(context.Background(), token)
	if err != nil {
		return err
	}
	if c.JSON {
		t.sayJSON(live.json)
		return nil
	}
	t.say(listText(live.value))
	return nil
}

func listText(calls []Call) string {
	if len(calls) == 0 {
		return "No live calls.\n"
	}
	rows := [][]string{{"CALL", "KIND", "AGENT", "DIALED", "AT", "STATUS", "LEGS UP", "CALLBACK NUMBER", "WINDOW ENDS", "PRESENCE"}}
	for _, call := range calls {
		rows = append(rows, []string{
			call.CallID, kindText(call), call.AgentID, call.DialedNumber, utc(call.DialedAt), string(call.Status),
			strconv.Itoa(legsUp(call)), call.CallbackNumber, utc(call.WindowEndsAt), call.Presence.Current,
		})
	}
	return table(rows)
}
