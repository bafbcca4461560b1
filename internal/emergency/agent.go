package emergency

import (
	"regexp"
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
	// Presence is what Lifeline's own presence system shows.
	Presence Presence
}

var (
	idPattern       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	endpointPattern = regexp.MustCompile(`^(tel:\+?[0-9-]{2,32}|sips?:[^\s@<>"[:cntrl:]]{1,128}@[^\s@<>"[:cntrl:]]{1,128})$`)
)

// maxName is how many characters the name of an agent or a site may take.
const maxName = 200

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
	for _, endpoint := range a.Endpoints {
		if !validEndpoint(endpoint) {
			return &Invalid{"endpoints", "must each be a tel: or sip: URI"}
		}
	}
	return nil
}

// readable tells whether a text says something in no more than so many characters,
// and whether every database can keep it: PostgreSQL takes no null character and
// nothing but UTF-8.
func readable(text string, limit int) bool {
	return strings.TrimSpace(text) != "" && utf8.RuneCountInString(text) <= limit &&
		utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func validID(id string) bool { return idPattern.MatchString(id) }

func validEndpoint(uri string) bool {
	return utf8.ValidString(uri) && endpointPattern.MatchString(uri)
}

// Caller is what a dial needs to know of an agent, in one piece.
type Caller struct {
	Agent Agent
	Site  Site
	// Contacts are the e-mail addresses to tell (S9).
	Contacts []string
}
