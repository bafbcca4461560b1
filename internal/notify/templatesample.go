package notify

import (
	"slices"
	"time"

	"lifeline/internal/emergency"
)

// Sample is a notice to try a wording on.
type Sample struct {
	// Name is for programs, Title for people.
	Name, Title string
	Notice      emergency.Notice
}

// Samples are the notices that a wording is tried on before it is saved, the most usual
// first (S18).
func Samples() []Sample {
	call := sampleCall()
	return []Sample{
		{"placed", "A call, with what the caller's device knows of the place", call},
		{"placed-without-location", "A call from a telephone, which knows of no place", with(call, func(n *emergency.Notice) {
			n.Conveyed.Device = nil
		})},
		{"redial", "A second call within the hour, which shows the same number", with(call, func(n *emergency.Notice) {
			n.CallID = "0192f0c4-0c5a-7d10-8e42-51b7c9d0a3f2"
			n.DialedAt = n.DialedAt.Add(11 * time.Minute)
			n.Conveyed.Device = &emergency.Location{Address: call.Conveyed.Device.Address}
		})},
		{"callback", "The emergency service rings back", as(call, emergency.NoticeCallback)},
		{"failed", "A call that failed", failed(call, emergency.NoticeFailed)},
		{"escalated", "Nobody has acknowledged a call", with(as(call, emergency.NoticeEscalated), func(n *emergency.Notice) {
			n.Before = emergency.Reach{Told: 2}
		})},
		{"escalated-failed", "Nobody has acknowledged a call that failed, and no e-mail got through", with(failed(call, emergency.NoticeEscalated), func(n *emergency.Notice) {
			n.Before = emergency.Reach{Missed: 2}
		})},
		{"ended", "The end of a call", with(as(call, emergency.NoticeEnded), func(n *emergency.Notice) {
			n.AcknowledgeURL = ""
		})},
		{"test", "A test call", test(call)},
		{"test-failed", "A test call that failed", failed(test(call), emergency.NoticeFailed)},
	}
}

// SampleNamed finds a sample by its name.
func SampleNamed(name string) (emergency.Notice, bool) {
	all := Samples()
	i := slices.IndexFunc(all, func(s Sample) bool { return s.Name == name })
	if i < 0 {
		return emergency.Notice{}, false
	}
	return all[i].Notice, true
}

func sampleCall() emergency.Notice {
	return emergency.Notice{
		CallID:    "0192f0c1-7a3e-7c55-9f7a-3d2b1e0a9c11",
		Event:     emergency.NoticePlaced,
		Kind:      emergency.KindEmergency,
		AgentName: "Sample Agent",
		SiteName:  "Sample Office",
		Dialed:    "911",
		DialedAt:  time.Date(2026, time.October, 5, 18, 4, 5, 0, time.UTC),
		Number:    "+12025550147",
		Conveyed: emergency.Conveyed{
			Site: emergency.Address{
				Street: "1 Example Street", Unit: "Floor 4", City: "Washington", Region: "DC", PostalCode: "20001", Country: "US",
			},
			Device: &emergency.Location{
				Latitude: new(38.89767), Longitude: new(-77.03655), Accuracy: new(12.0),
				Address: &emergency.Address{Street: "1 Example Street", Unit: "Floor 4, Room 412"},
			},
		},
		Zone:           "America/New_York",
		AcknowledgeURL: "https://lifeline.example.com/acknowledge/sample",
	}
}

// with is a changed copy.
func with(n emergency.Notice, change func(*emergency.Notice)) emergency.Notice {
	change(&n)
	return n
}

func as(n emergency.Notice, event emergency.NoticeEvent) emergency.Notice {
	n.Event = event
	if event == emergency.NoticeEscalated {
		n.Round = 1
	}
	return n
}

func failed(n emergency.Notice, event emergency.NoticeEvent) emergency.Notice {
	n = as(n, event)
	n.Number = ""
	n.Reason = emergency.Explain(emergency.CheckNoRoute).Agent
	n.Instead = "Dial 911 from a mobile phone."
	return n
}

func test(n emergency.Notice) emergency.Notice {
	n.Kind, n.Dialed, n.AcknowledgeURL = emergency.KindTest, "933", ""
	return n
}

// marked has values that nobody writes into a wording, so that one which is found in a
// notice has come from its variable. None of them needs escaping.
func marked(n emergency.Notice) emergency.Notice {
	n.AgentName, n.SiteName, n.Dialed = "Agent Ziboruxa", "Site Ziboruxe", "9114711"
	n.Conveyed.Site.Street, n.Conveyed.Site.Unit = "4711 Ziboruxi Street", "Floor 4712"
	if n.Number != "" {
		n.Number = "+12025550174"
	}
	if n.Reason != "" {
		n.Reason = "Ziboruxo keeps the call from getting out."
	}
	if n.Conveyed.Device != nil {
		device := *n.Conveyed.Device
		device.Address = &emergency.Address{Street: "4713 Ziboruxu Street", Unit: "Room 4714"}
		n.Conveyed.Device = &device
	}
	return n
}
