package dial_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"github.com/google/go-cmp/cmp"
)

// office keeps the records of one agent, and remembers what was placed.
type office struct {
	dial.Records // nothing else is asked for
	caller       emergency.Caller
	placed       []store.Placement
}

// london is an office whose agent may call from there and from Denmark.
func london(t *testing.T) *office {
	t.Helper()
	plan, err := emergency.VoiceRouting{
		DirectOffers:     []emergency.Offer{{Number: "+442079460100", Country: "GB"}, {Number: "+4510000100", Country: "DK"}},
		OutboundProfiles: []emergency.OutboundProfile{{ID: "voice", CapacityProfile: "default", Numbers: []string{"+442079460100"}}},
	}.Compile()
	ok(t, err)
	return &office{caller: emergency.Caller{
		Agent:   emergency.Agent{ID: "one", CapacityProfiles: []string{"default"}},
		Site:    emergency.Site{ID: "site", Country: emergency.UnitedKingdom},
		Routing: plan,
	}}
}

func (o *office) Caller(context.Context, emergency.AgentID) (emergency.Caller, error) {
	return o.caller, nil
}

func (o *office) PlaceCall(_ context.Context, p store.Placement) (emergency.Call, error) {
	o.placed = append(o.placed, p)
	return emergency.Call{ID: p.CallID}, nil
}

// What is dialed is classified where the caller is, before it is written down, and
// what is written down is the bare number; a device and a directory that disagree
// on the country are told to the administrator, whatever becomes of the call and
// without the address (S1, B11).
func TestPlaceClassifies(t *testing.T) {
	const warning = "The device names another country"
	for _, c := range []struct {
		name, dialed, conveyed string
		want                   emergency.Dialed
		refusal                string
		warned                 string
	}{
		{"behind the outside line", "9 999", "", emergency.Dialed{Number: "999", Kind: emergency.KindEmergency, Country: "GB"}, "", ""},
		{"with a calling code", "+44999", "GB", emergency.Dialed{Number: "999", Kind: emergency.KindEmergency, Country: "GB"}, "", ""},
		{"in another country", "112", "DK", emergency.Dialed{Number: "112", Kind: emergency.KindEmergency, Country: "DK"}, "", "conveyedCountry=DK"},
		{"in an unreadable one", "112", "nowhere", emergency.Dialed{Number: "112", Kind: emergency.KindEmergency, Country: "GB"}, "", "conveyedCountry=ZZ"},
		{"in one not served", "112", "DE", emergency.Dialed{}, "country-not-served", "conveyedCountry=DE"},
		{"an ordinary number in one not served", "+14155550123", "DE", emergency.Dialed{}, "not-an-emergency-number", ""},
		{"an ordinary number", "+442079460000", "", emergency.Dialed{}, "not-an-emergency-number", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			records := london(t)
			desk := &dial.Desk{
				Records: records, Memory: dial.NewMemory(nowhere{}), Plan: emergency.DialPlan{OutsideLine: "9"}, Budget: time.Hour,
				Wake: func(emergency.CallID) {}, Refused: func(emergency.RefusedCall) {}, Clock: time.Now, Log: slog.New(slog.NewTextHandler(&log, nil)),
			}
			_, err := desk.Place(t.Context(), emergency.DialRequest{
				AgentID: "one", DialedNumber: c.dialed,
				Location: &emergency.Location{Address: &emergency.Address{Street: "Secret Street", Country: c.conveyed}},
			})
			var refusal emergency.Refusal
			if refused, ok := errors.AsType[*emergency.Refusal](err); ok {
				refusal = *refused
			}
			if refusal.Code != c.refusal {
				t.Errorf("the error is %v, want %q", err, c.refusal)
			}
			var placed []emergency.Dialed
			for _, p := range records.placed {
				placed = append(placed, p.Dialed)
			}
			var want []emergency.Dialed
			if c.refusal == "" {
				want = append(want, c.want)
			}
			if diff := cmp.Diff(want, placed); diff != "" {
				t.Error(diff)
			}
			if told := strings.Contains(log.String(), warning); told != (c.warned != "") || !strings.Contains(log.String(), c.warned) {
				t.Errorf("the log says %q, want %q", log.String(), c.warned)
			}
			if strings.Contains(log.String(), "Secret") || strings.Contains(log.String(), "nowhere") {
				t.Errorf("the log has the address: %q", log.String())
			}
		})
	}
}

// Of a dial in a country not served people are told when it may have been a call for help,
// and the test list when it was a test where the agent belongs; of an ordinary number
// nobody is (B10, B13).
func TestPlaceTellsOfUnserved(t *testing.T) {
	for _, c := range []struct {
		dialed string
		told   []emergency.Kind
	}{
		{"110", []emergency.Kind{""}},
		{"999", []emergency.Kind{emergency.KindEmergency}},
		{"urn:service:sos", []emergency.Kind{emergency.KindEmergency}},
		{"urn:service:test.sos", []emergency.Kind{emergency.KindTest}},
		{"933", []emergency.Kind{emergency.KindTest}},
		{"+14155550123", nil},
		{"5551234", nil},
		{"9115551234", nil},
		{"112233", nil},
		{"hello", nil},
	} {
		t.Run(c.dialed, func(t *testing.T) {
			records := london(t)
			if c.dialed == "933" {
				records.caller.Site.Country = emergency.UnitedStates
			}
			var told []emergency.Kind
			desk := &dial.Desk{
				Records: records, Memory: dial.NewMemory(nowhere{}), Plan: emergency.DialPlan{OutsideLine: "9"}, Budget: time.Hour,
				Wake: func(emergency.CallID) {}, Refused: func(r emergency.RefusedCall) { told = append(told, r.Kind) },
				Clock: time.Now, Log: slog.New(slog.DiscardHandler),
			}
			_, err := desk.Place(t.Context(), emergency.DialRequest{
				AgentID: "one", DialedNumber: c.dialed, Location: &emergency.Location{Address: &emergency.Address{Country: "DE"}},
			})
			if _, refused := errors.AsType[*emergency.Refusal](err); !refused {
				t.Errorf("the error is %v, want a refusal", err)
			}
			if diff := cmp.Diff(c.told, told); diff != "" {
				t.Error(diff)
			}
		})
	}
}
