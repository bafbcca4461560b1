package emergency

// VoiceRouting is how calls leave the contact centre, as an administrator has set it
// up: over first-party numbers, and over the trunks of third parties (S15). It is
// one document, changed as a whole.
type VoiceRouting struct {
	// DirectOffers are first-party calling-plan numbers.
	DirectOffers []Offer
	// Trunks are third parties' lines.
	Trunks []Trunk
	// Rules say which numbers go over which trunk; the first that matches counts, and
	// for an emergency call the first of those whose trunk may take it.
	Rules []RoutingRule
	// OutboundProfiles let the agents of a capacity profile call out (S12).
	OutboundProfiles []OutboundProfile
	// Revision grows with every change, from 1.
	Revision int64
}

// Offer is a first-party number that may call out, in the country whose emergency
// services answer for it.
type Offer struct {
	// Number is in E.164.
	Number  string
	Country Country
}

// TrunkID names a trunk, as the phone system does.
type TrunkID string

// Trunk is a third party's line (direct routing).
type Trunk struct {
	ID TrunkID
	// Numbers are those that may call out over it, in E.164.
	Numbers []string
	// Emergency says that the provider's emergency behaviour has been agreed on and
	// configured. Without it no emergency call takes the trunk (S15).
	Emergency bool
	// TestNumbers are the carrier's own numbers for tests, such as 933; no other
	// test call touches the trunk (B13).
	TestNumbers []string
	// FailOver are the trunks to try, in this order, when this one does not answer.
	FailOver []TrunkID
}

// RoutingRule sends the numbers that fit a pattern over a trunk.
type RoutingRule struct {
	// Name is how people and findings call the rule.
	Name string
	// Pattern is a regular expression in Go's syntax; it may match anywhere in the
	// number unless it is anchored.
	Pattern string
	// Rewrite is what the phone system puts in the place of what the pattern matches,
	// with $1 or ${1} and so on for its groups; empty for the number as it is. It
	// never applies to an emergency call (B11).
	Rewrite string
	Trunk   TrunkID
	// Countries are where the caller must be; empty for anywhere.
	Countries []Country
}

// OutboundProfile lets agents with a capacity profile call out, and lends them a
// number (S12, S15).
type OutboundProfile struct {
	ID string
	// CapacityProfile is the one that it is associated with.
	CapacityProfile string
	// Numbers are what agents without a number of their own call from, in E.164;
	// the first of the caller's country that may call for help counts, else the first
	// that may, else the first.
	Numbers []string
}

// Hop is one way out of the contact centre.
type Hop struct {
	Path RoutePath
	// Trunk is empty for a direct offer.
	Trunk TrunkID
}

// FindingKind is what is wrong between a rule and an emergency number.
type FindingKind string

const (
	// FindingShadows means that a rule would take an emergency number away from
	// where it must go.
	FindingShadows FindingKind = "shadows"
	// FindingRewrites means that a rule would make another number of it.
	FindingRewrites FindingKind = "rewrites"
	// FindingMisses means that an emergency number is not taken where its sisters
	// are, or has no way out at all.
	FindingMisses FindingKind = "misses"
	// FindingSkips means that a trunk which an emergency call is to fail over to takes
	// none.
	FindingSkips FindingKind = "skips"
)

// Finding is one thing that the dial-plan check has to say (B11).
type Finding struct {
	Kind FindingKind
	// Rule is the rule's name; empty when no rule is to blame.
	Rule    string
	Country Country
	// Number is the emergency number as people dial it, if the finding concerns that, else
	// the first form of it that it concerns.
	Number string
	// Detail is one sentence for the administrator.
	Detail string
}
