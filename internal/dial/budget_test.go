package dial_test

import (
	"context"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
)

// requests are all that a desk can be asked.
func requests(desk *dial.Desk) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"a dial": func(ctx context.Context) error {
			_, err := desk.Place(ctx, emergency.DialRequest{AgentID: caller, DialedNumber: "911"})
			return err
		},
		"a dial with a key": func(ctx context.Context) error {
			_, err := desk.Place(ctx, emergency.DialRequest{AgentID: caller, DialedNumber: "911", IdempotencyKey: "key"})
			return err
		},
		"an end": func(ctx context.Context) error {
			_, err := desk.End(ctx, "call", "", "", "")
			return err
		},
		"a callback": func(ctx context.Context) error {
			_, err := desk.Inbound(ctx, number, "")
			return err
		},
	}
}

// known is what a memory is told of the caller.
func known() emergency.LastKnown {
	call := emergency.Call{
		ID: "call", AgentID: caller, SiteID: washington.ID, Kind: emergency.KindEmergency, DialedAt: time.Now(), Terms: agreed,
		Number: number, NumberKind: emergency.NumberLeased, Route: emergency.Route{CallerID: number},
		Legs: []emergency.Leg{{ID: "leg", Direction: emergency.Outbound, StartedAt: time.Now()}},
	}
	return emergency.LastKnown{
		At: time.Now(), Callers: []emergency.Caller{{Agent: avery, Site: washington}}, Sites: []emergency.Site{washington},
		Routing: offers, Calls: []emergency.KnownCall{{Call: call, Agent: avery}},
	}
}
