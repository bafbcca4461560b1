package emergency

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AgentID names an agent, as the contact centre does. It stands in search
// attributes and logs, so it must not be a person's name or number.
type AgentID string

// Agent is a service representative who may have to call for help.
type Agent struct {
	ID     AgentID
	Name   string
	SiteID SiteID
	// Endpoints are the agent's devices as tel: or sip: URIs, in the order in
	// which a callback rings them.
	Endpoints []string
	// CapacityProfiles are the ones that the contact centre has given the agent; one
	// of them must be associated with an outbound profile (S12).
	CapacityProfiles []string
	// CallingNumber is the agent's own number in E.164; empty for one of the
	// outbound profile.
	CallingNumber string
	// MailboxOff keeps notices from being sent for the agent; it never keeps a call
	// from being made (S14).
	MailboxOff bool
	// Presence is what Lifeline's own presence system shows.
	Presence Presence
	// Revision grows with every change of the settings, from 1. Presence is not one
	// of them.
	Revision int64
}

var (
	idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	// telPattern has digits with visual separators between them, and parameters such as
	// ;ext=12 (RFC 3966, section 3).
	telPattern = regexp.MustCompile(`^(?i:tel):\+?\(?[0-9][().-]*[0-9][0-9().-]{0,30}(;[A-Za-z0-9-]+(=[^\s;@<>"[:cntrl:]]{1,64})?){0,4}$`)
	sipPattern = regexp.MustCompile(`^(?i:sips?):[^\s@<>"[:cntrl:]]{1,128}@[^\s@<>"[:cntrl:]]{1,128}$`)
)

// maxName is how many characters the name of an agent or a site may take.
const maxName = 200

// maxProfiles is far above what any contact centre gives one agent.
const maxProfiles = 20

// maxEndpoints keeps the time until somebody answers a callback bounded.
const maxEndpoints = 8

// Validate reports the first field that cannot be used, as an *Invalid.
func (a Agent) Validate() error {
	switch {
	case !validID(string(a.ID)):
		return &Invalid{"agentId", "must be 1 to 64 letters, digits, dots, dashes or underscores"}
	case !readable(a.Name, maxName):
		return &Invalid{"name", "must be 1 to 200 printable characters"}
	case !validID(string(a.SiteID)):
		return &Invalid{"siteId", "must name a site"}
	case len(a.Endpoints) == 0 || len(a.Endpoints) > maxEndpoints:
		return &Invalid{"endpoints", "must list 1 to 8 devices, or nobody can be called back"}
	}
	if a.CallingNumber != "" && !ValidE164(a.CallingNumber) {
		return &Invalid{"callingNumber", mustBeE164}
	}
	if len(a.CapacityProfiles) > maxProfiles {
		return &Invalid{"capacityProfiles", "must be at most 20"}
	}
	for _, profile := range a.CapacityProfiles {
		if !validID(profile) {
			return &Invalid{"capacityProfiles", "must each be 1 to 64 letters, digits, dots, dashes or underscores"}
		}
	}
	for _, endpoint := range a.Endpoints {
		switch {
		case !validEndpoint(endpoint):
			return &Invalid{"endpoints", "must each be a tel: or sip: URI"}
		case reachesHelp(endpoint):
			return &Invalid{"endpoints", noDevice}
		}
	}
	return nil
}

// noDevice completes the sentence about a device that would answer a callback with a
// call for help.
const noDevice = "must not be an emergency number, nor one for tests: a callback would become a call for help"

// readable tells whether a text says something in no more than so many characters,
// and whether every database can keep it: PostgreSQL takes no null character and
// nothing but UTF-8.
func readable(text string, limit int) bool {
	return strings.TrimSpace(text) != "" && utf8.RuneCountInString(text) <= limit &&
		utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func validID(id string) bool { return idPattern.MatchString(id) }

func validEndpoint(uri string) bool {
	return utf8.ValidString(uri) && (telPattern.MatchString(uri) || sipPattern.MatchString(uri))
}

// Caller is what a dial needs to know of an agent, in one piece.
type Caller struct {
	Agent Agent
	Site  Site
	// Contacts are the agent's e-mail addresses to tell (S9).
	Contacts []string
	// Reported is the location that the agent's desktop told last; nil when it
	// never did.
	Reported *ReportedLocation
	// Routing is how calls leave the contact centre.
	Routing *VoicePlan `json:"-"`
}

// Recipients are the e-mail addresses that a call of this kind is told to: the
// agent's contacts if the mailbox is on (S9, S14) and the site's own list, each once;
// for a test the site's test list and nobody else (B13).
func (c Caller) Recipients(kind Kind) []string {
	var all []string
	switch {
	case kind == KindTest:
		all = c.Site.TestContacts()
	case c.Agent.MailboxOff:
		all = c.Site.Contacts()
	default:
		all = slices.Concat(c.Contacts, c.Site.Contacts())
	}
	return merged(all)
}

// Escalation are those who are told when nobody acknowledges (B9): the site's own list,
// or if it has none, the same people again.
func (c Caller) Escalation(kind Kind) []string {
	if own := c.Site.Contacts(); kind != KindTest && len(own) > 0 {
		return merged(own)
	}
	return c.Recipients(kind)
}

// merged are addresses in order, those that differ in case alone once.
func merged(addresses []string) []string {
	first := map[string]string{}
	for _, address := range addresses {
		if key := strings.ToLower(address); first[key] == "" {
			first[key] = address
		}
	}
	return slices.Sorted(maps.Values(first))
}
