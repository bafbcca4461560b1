package emergency

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// NumberKind tells how the number that the PSAP sees came to be shown.
type NumberKind string

const (
	// NumberLeased belongs to the caller alone for the callback window (S3).
	NumberLeased NumberKind = "leased"
	// NumberStanding is the site's own, shown when no callback number was free
	// (B5); it may stand for several callers at once.
	NumberStanding NumberKind = "standing"
)

// NumberState is what may be done with a callback number of a pool.
type NumberState string

const (
	// NumberFree may be leased.
	NumberFree NumberState = "free"
	// NumberInLease belongs to an agent now.
	NumberInLease NumberState = "leased"
	// NumberQuarantined rests after a lease, so that a late callback cannot reach
	// the next caller (B5).
	NumberQuarantined NumberState = "quarantined"
	// NumberDraining has been removed, and leaves when its lease and its quarantine
	// are over.
	NumberDraining NumberState = "draining"
)

// CallbackNumber is a number that a carrier has registered for a site's address,
// kept to be leased to callers there.
type CallbackNumber struct {
	// Number is in E.164.
	Number string
	SiteID SiteID
	State  NumberState
	// FreeAt is when a quarantine ends, also of a number that has been removed; zero
	// otherwise.
	FreeAt time.Time
}

var e164Pattern = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// ValidE164 tells whether a number is written as ITU-T E.164 wants it: a plus and
// at most fifteen digits.
func ValidE164(number string) bool { return e164Pattern.MatchString(number) }

// CheckWhole is an *Invalid for the field of a number that nobody can have: it is not in
// E.164, or begins with the calling code of a country served and goes on as no number
// there does, with too few digits or too many. That somebody has it is not asked.
func CheckWhole(field, number string) error {
	if !ValidE164(number) {
		return &Invalid{field, mustBeE164}
	}
	var of []string
	for _, country := range Countries() {
		numbering := numberings[country]
		behind, found := strings.CutPrefix(number, "+"+numbering.CallingCode)
		if !found {
			continue
		}
		if national := numbering.National.FindStringSubmatch(numbering.TrunkPrefix + behind); national != nil && national[1] == behind {
			return nil
		}
		of = append(of, numbering.Name)
	}
	if of == nil {
		return nil // of a country whose numbers nobody here knows
	}
	return &Invalid{field, "must have all digits of a number of " + strings.Join(of, " or ") + ", and no more"}
}

// CheckCallback is an *Invalid for the field when an emergency service could not be given
// a number to call back: it is no number, or a toll-free or premium-rate one (S4).
func CheckCallback(field, number string) error {
	service := func(country Country) bool {
		national, found := strings.CutPrefix(number, "+"+numberings[country].CallingCode)
		return found && numberings[country].ServiceNumbers.MatchString(national)
	}
	if err := CheckWhole(field, number); err != nil {
		return err
	}
	switch {
	case slices.ContainsFunc(Countries(), service):
		return &Invalid{field, "must not be a toll-free or premium-rate number: no emergency address can be registered for it"}
	default:
		return nil
	}
}
