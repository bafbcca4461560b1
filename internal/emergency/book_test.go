package emergency_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The people, places and numbers of the tests of a book.
const (
	bookFirst    = "+12025550101"
	bookSecond   = "+12025550102"
	bookStanding = "+12025550199"
	psap         = "+12025550911"
)

var (
	bookNoon  = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)
	bookTerms = emergency.Terms{
		Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 10 * time.Minute,
	}
	bookSite = emergency.Site{ID: "us", FallbackEndpoint: "tel:+12025550198", StandingNumber: bookStanding}
)

// knownCall is a call that an agent placed at noon, and that has ended at once.
func knownCall(id emergency.CallID, agent emergency.AgentID, number string, change ...func(*emergency.KnownCall)) emergency.KnownCall {
	call := emergency.KnownCall{
		Call: emergency.Call{
			ID: id, AgentID: agent, SiteID: "us", Kind: emergency.KindEmergency, DialedAt: bookNoon, Terms: bookTerms,
			Number: number, NumberKind: emergency.NumberLeased, Route: emergency.Route{CallerID: number},
			Legs: []emergency.Leg{{ID: emergency.LegID(id + "-dial"), Direction: emergency.Outbound, StartedAt: bookNoon, EndedAt: bookNoon}},
		},
		Agent: emergency.Agent{ID: agent, Endpoints: []string{"sip:" + string(agent) + "@example.com"}},
	}
	if number == bookStanding {
		call.NumberKind = emergency.NumberStanding
	}
	for _, each := range change {
		each(&call)
	}
	return call
}

// A test, dialed later, with a callback that is up, got a number late: what makes calls
// differ.
func aTest(c *emergency.KnownCall) { c.Kind = emergency.KindTest }

func dialedAfter(d time.Duration) func(*emergency.KnownCall) {
	return func(c *emergency.KnownCall) { c.DialedAt = bookNoon.Add(d) }
}

func calledBackBy(from string, leg emergency.LegID, after time.Duration) func(*emergency.KnownCall) {
	return func(c *emergency.KnownCall) {
		c.Legs = append(c.Legs, emergency.Leg{ID: leg, Direction: emergency.Callback, StartedAt: bookNoon.Add(after)})
		if c.Remote == nil {
			c.Remote = map[emergency.LegID]string{}
		}
		c.Remote[leg] = from
	}
}

func gotLate(number string) func(*emergency.KnownCall) {
	return func(c *emergency.KnownCall) { c.Number, c.NumberKind = number, emergency.NumberLeased }
}

func closedAfter(d time.Duration) func(*emergency.KnownCall) {
	return func(c *emergency.KnownCall) { c.ClosedAt = bookNoon.Add(d) }
}

// bookOf is a book of these calls.
func bookOf(calls ...emergency.KnownCall) *emergency.Book {
	return emergency.NewBook(emergency.LastKnown{At: bookNoon, Sites: []emergency.Site{bookSite}, Calls: calls})
}

// decisions are those that a book of some calls comes to, by the rules of which SQL has
// the same (S5, B5, B6, B13).
var decisions = []struct {
	name  string
	calls []emergency.KnownCall
	to    string
	from  string
	after time.Duration
	// call is whose the callback is, leg the leg that is up with this very caller.
	verdict emergency.Verdict
	call    emergency.CallID
	leg     emergency.LegID
}{
	{
		"of nobody", nil, bookFirst, psap, 0,
		emergency.NotAnEmergencyCallback, "", "",
	},
	{
		"to what is no number",
		[]emergency.KnownCall{knownCall("a", "one", bookFirst)},
		"12025550101", psap, 0,
		emergency.NotAnEmergencyCallback, "", "",
	},
	{
		"to the agent's own number",
		[]emergency.KnownCall{knownCall("a", "one", bookFirst), knownCall("b", "two", bookSecond)},
		bookFirst, psap, time.Minute,
		emergency.ConnectAgent, "a", "",
	},
	{
		"to the latest dial",
		[]emergency.KnownCall{knownCall("a", "one", bookFirst, dialedAfter(time.Minute)), knownCall("b", "one", bookFirst)},
		bookFirst, psap, time.Hour,
		emergency.ConnectAgent, "a", "",
	},
	{
		"to a call for help before a test",
		[]emergency.KnownCall{knownCall("a", "one", bookFirst), knownCall("b", "one", bookFirst, aTest, dialedAfter(time.Minute))},
		bookFirst, psap, time.Hour,
		emergency.ConnectAgent, "a", "",
	},
	{
		"to whom it is connected with",
		[]emergency.KnownCall{
			knownCall("a", "one", bookStanding, aTest, calledBackBy(psap, "leg-2", 3*time.Minute), calledBackBy(psap, "leg-1", 2*time.Minute)),
			knownCall("b", "two", bookStanding, dialedAfter(time.Minute), calledBackBy("", "leg-3", time.Minute)),
		},
		bookStanding, psap, time.Hour,
		emergency.ConnectAgent, "a", "leg-1",
	},
	{
		"to who has no other number yet",
		[]emergency.KnownCall{
			knownCall("a", "one", bookStanding), knownCall("b", "two", bookStanding, dialedAfter(time.Minute)), knownCall("c", "two", bookFirst, dialedAfter(2*time.Minute)),
		},
		bookStanding, psap, time.Hour,
		emergency.ConnectAgent, "a", "",
	},
	{
		"to what was shown, although another number came",
		[]emergency.KnownCall{knownCall("a", "one", bookStanding, gotLate(bookFirst))},
		bookStanding, psap, time.Minute,
		emergency.ConnectAgent, "a", "",
	},
	{
		"to the number that came",
		[]emergency.KnownCall{knownCall("a", "one", bookStanding, gotLate(bookFirst))},
		bookFirst, psap, time.Minute,
		emergency.ConnectAgent, "a", "",
	},
	{
		"after the window",
		[]emergency.KnownCall{knownCall("a", "one", bookFirst)},
		bookFirst, psap, time.Hour + emergency.OverdueSlack,
		emergency.ConnectFallback, "a", "",
	},
	{
		"just before that",
		[]emergency.KnownCall{knownCall("a", "one", bookFirst)},
		bookFirst, psap, time.Hour + emergency.OverdueSlack - time.Nanosecond,
		emergency.ConnectAgent, "a", "",
	},
	{
		"after the close",
		[]emergency.KnownCall{knownCall("a", "one", bookFirst, closedAfter(time.Minute))},
		bookFirst, psap, 10 * time.Minute,
		emergency.ConnectFallback, "a", "",
	},
	{
		"when the number has rested",
		[]emergency.KnownCall{knownCall("a", "one", bookFirst)},
		bookFirst, psap, time.Hour + emergency.OverdueSlack + 10*time.Minute,
		emergency.NotAnEmergencyCallback, "", "",
	},
}

// A book decides on callbacks as SQL does, and opens no leg; the store's random runs hold
// it to that in all else.
func TestBookDecides(t *testing.T) {
	for _, c := range decisions {
		t.Run(c.name, func(t *testing.T) {
			got := bookOf(c.calls...).Decide(c.to, c.from, bookNoon.Add(c.after))
			if got.Verdict != c.verdict || got.CallID != c.call || got.LegID != c.leg {
				t.Errorf("decides %+v, want %s of %q by leg %q", got, c.verdict, c.call, c.leg)
			}
			if rings := len(got.Ring) > 0; rings != (c.verdict != emergency.NotAnEmergencyCallback) {
				t.Errorf("rings %v", got.Ring)
			}
		})
	}
}

// The devices of the call's agent ring first, then the desk of its site, by what was
// known when the book was made (B6).
func TestBookRings(t *testing.T) {
	got := bookOf(knownCall("a", "one", bookFirst)).Decide(bookFirst, psap, bookNoon)
	want := []emergency.Endpoint{
		{URI: "sip:one@example.com", Kind: emergency.EndpointAgent, Ring: 20 * time.Second},
		{URI: "tel:+12025550198", Kind: emergency.EndpointFallback, Ring: 20 * time.Second},
	}
	if diff := cmp.Diff(want, got.Ring); diff != "" {
		t.Errorf("rings (-want +got):\n%s", diff)
	}
}

// A number that rests in its pool goes to the desk of whoever had it last, before all
// who merely showed it; without a desk it is ordinary (B6).
func TestBookOfRestingNumbers(t *testing.T) {
	over := bookNoon.Add(10 * time.Minute)
	rests := emergency.RestingNumber{
		Number:   bookFirst,
		Returned: &emergency.PastCall{SiteID: "us", CallID: "returned", AgentID: "one", Kind: emergency.KindTest, Until: over},
		Shown: []emergency.PastCall{
			{SiteID: "us", CallID: "shown", AgentID: "two", Kind: emergency.KindEmergency, Over: bookNoon, Until: over.Add(time.Minute)},
			{SiteID: "us", CallID: "a test", AgentID: "two", Kind: emergency.KindTest, Over: bookNoon.Add(time.Second), Until: over.Add(2 * time.Minute)},
		},
	}
	for _, c := range []struct {
		at   time.Time
		desk bool
		call emergency.CallID
	}{
		{bookNoon, true, "returned"},
		{over, true, "shown"},
		{over.Add(time.Minute), true, "a test"},
		{over.Add(2 * time.Minute), true, ""},
		{bookNoon, false, ""},
	} {
		sites := []emergency.Site{bookSite}
		if !c.desk {
			sites[0].FallbackEndpoint = ""
		}
		book := emergency.NewBook(emergency.LastKnown{Sites: sites, Resting: []emergency.RestingNumber{rests}})
		if got := book.Decide(bookFirst, psap, c.at); got.CallID != c.call || (got.Verdict == emergency.ConnectFallback) != (c.call != "") {
			t.Errorf("at %s decides %+v, want the desk for %q", c.at, got, c.call)
		}
	}
}

// An agent shows again what he holds, at the site where he holds it, and for as long as
// he may be called back on it: with SQL down nobody else says when that is over (B2, B5).
func TestBookOfLeases(t *testing.T) {
	long := knownCall("d", "five", "+12025550105")
	long.Legs = []emergency.Leg{{ID: "leg-of-d", StartedAt: bookNoon}}
	lost := knownCall("e", "six", "+12025550106") // SQL may have leased its number to somebody else
	lost.Lost = true
	book := bookOf(long, lost, knownCall("a", "one", bookFirst), knownCall("b", "two", bookStanding), knownCall("c", "three", bookSecond, closedAfter(time.Minute)))
	for _, c := range []struct {
		agent emergency.AgentID
		site  emergency.SiteID
		after time.Duration
		want  string
	}{
		{"one", "us", 0, bookFirst},
		{"one", "us", time.Hour - time.Nanosecond, bookFirst},
		{"one", "us", time.Hour, ""},
		{"five", "us", time.Hour + time.Minute, "+12025550105"}, // a leg is up
		{"one", "pr", 0, ""},
		{"two", "us", 0, ""},
		{"three", "us", 0, ""},
		{"four", "us", 0, ""},
		{"six", "us", 0, ""},
	} {
		if got, ok := book.LeaseOf(c.agent, c.site, bookNoon.Add(c.after)); got != c.want || ok != (c.want != "") {
			t.Errorf("%s at %s after %s holds %q, want %q", c.agent, c.site, c.after, got, c.want)
		}
	}
}

// Who dials is known with the way that calls take; nobody else may dial.
func TestBookOfCallers(t *testing.T) {
	book := emergency.NewBook(emergency.LastKnown{
		Callers: []emergency.Caller{{Agent: emergency.Agent{ID: "one"}, Site: bookSite}},
		Routing: emergency.VoiceRouting{DirectOffers: []emergency.Offer{
			{Number: bookStanding, Country: emergency.UnitedStates}, {Number: "unusable", Country: emergency.UnitedStates},
		}},
	})
	caller, err := book.Caller("one")
	if err != nil {
		t.Fatal(err)
	}
	dialed := emergency.Dialed{Number: "911", Kind: emergency.KindEmergency}
	if way := caller.Routing.Way(emergency.UnitedStates, dialed); !slices.Equal(way, []emergency.Hop{{Path: emergency.DirectOffer}}) {
		t.Errorf("the way is %v", way)
	}
	if _, err := book.Caller("two"); !errors.Is(err, emergency.ErrUnknownAgent) {
		t.Errorf("the error is %v", err)
	}
}

// What a book leaves out of a voice routing stays where it came from: it is read again, and
// kept on disk.
func TestBookLeavesRoutingWhole(t *testing.T) {
	routing := func() emergency.VoiceRouting {
		return emergency.VoiceRouting{
			Trunks: []emergency.Trunk{
				{ID: "north", Numbers: []string{"unusable", bookFirst}, FailOver: []emergency.TrunkID{"nowhere"}}, {ID: "not usable"}, {ID: "south"},
			},
			OutboundProfiles: []emergency.OutboundProfile{{ID: "default", CapacityProfile: "default", Numbers: []string{"unusable", bookFirst}}},
		}
	}
	given := routing()
	emergency.NewBook(emergency.LastKnown{Routing: given})
	if diff := cmp.Diff(routing(), given); diff != "" {
		t.Errorf("the routing is changed (-want +got):\n%s", diff)
	}
}

// Whatever is put into a book and taken out again, it answers as one that was made of what
// is left.
func TestBookFollows(t *testing.T) {
	numbers := []string{bookFirst, bookSecond, bookStanding}
	froms := []string{"", psap}
	rapid.Check(t, func(t *rapid.T) {
		book := bookOf()
		left := map[emergency.CallID]emergency.KnownCall{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			id := emergency.CallID(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "call"))
			if rapid.IntRange(0, 3).Draw(t, "take out") == 0 {
				book.Remove(id)
				delete(left, id)
				continue
			}
			call := drawKnown(t, id)
			book.Put(call)
			left[id] = call
		}
		fresh := bookOf(slices.Collect(func(yield func(emergency.KnownCall) bool) {
			for _, call := range left {
				if !yield(call) {
					return
				}
			}
		})...)
		for _, after := range []time.Duration{0, 30 * time.Minute, time.Hour, 70 * time.Minute, 5 * time.Hour} {
			at := bookNoon.Add(after)
			for _, to := range numbers {
				for _, from := range froms {
					if diff := cmp.Diff(fresh.Decide(to, from, at), book.Decide(to, from, at)); diff != "" {
						t.Errorf("a call to %s from %q (-fresh +book):\n%s", to, from, diff)
					}
				}
			}
			for _, agent := range []emergency.AgentID{"one", "two"} {
				want, _ := fresh.LeaseOf(agent, "us", at)
				if got, _ := book.LeaseOf(agent, "us", at); (got == "") != (want == "") {
					t.Errorf("%s holds %q, want %q", agent, got, want)
				}
			}
		}
		for _, id := range []emergency.CallID{"a", "b", "c", "d", "e"} {
			want, there := left[id]
			got, found := book.Call(id)
			if diff := cmp.Diff(want, got); diff != "" || there != found {
				t.Errorf("call %s (-want +got):\n%s", id, diff)
			}
		}
	})
}

// drawKnown is any call.
func drawKnown(t *rapid.T, id emergency.CallID) emergency.KnownCall {
	agent := rapid.SampledFrom([]emergency.AgentID{"one", "two"}).Draw(t, "agent")
	number := rapid.SampledFrom([]string{bookFirst, bookSecond, bookStanding}).Draw(t, "number")
	changes := map[string]func(*emergency.KnownCall){
		"test": aTest, "later": dialedAfter(20 * time.Minute), "called back": calledBackBy(psap, emergency.LegID(id)+"-back", time.Minute),
		"late": gotLate(bookFirst), "closed": closedAfter(40 * time.Minute),
	}
	var drawn []func(*emergency.KnownCall)
	for _, name := range []string{"test", "later", "called back", "late", "closed"} {
		if rapid.Bool().Draw(t, name) {
			drawn = append(drawn, changes[name])
		}
	}
	return knownCall(id, agent, number, drawn...)
}

// BenchmarkBookDecide is what a callback costs among ten thousand live calls: each with a
// number of its own, and all with one.
func BenchmarkBookDecide(b *testing.B) {
	for _, c := range []struct {
		name   string
		number func(i int) string
	}{
		{"own", func(i int) string { return fmt.Sprintf("+1303%07d", i+2000000) }},
		{"shared", func(int) string { return bookStanding }},
	} {
		b.Run(c.name, func(b *testing.B) {
			var calls []emergency.KnownCall
			for i := range 10_000 {
				calls = append(calls, knownCall(emergency.CallID(strconv.Itoa(i)), emergency.AgentID(strconv.Itoa(i)), c.number(i)))
			}
			book := bookOf(calls...)
			for b.Loop() {
				if book.Decide(c.number(5000), psap, bookNoon).Verdict != emergency.ConnectAgent {
					b.Fatal("nobody is called back")
				}
			}
		})
	}
}
