package emergency

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Salvage is the plan of a voice routing as far as it can be used. What is kept was
// valid when it was saved, but a later version may have stricter rules, and while one
// takes over from the other, an earlier one may not know all of it. Whoever is in
// danger then still has all other ways out (B7): only what this version refuses is
// left out, and what needs it.
func (v VoiceRouting) Salvage() *VoicePlan {
	// Whoever else has the lists keeps them whole.
	v.Trunks, v.Rules, v.OutboundProfiles = slices.Clone(v.Trunks), slices.Clone(v.Rules), slices.Clone(v.OutboundProfiles)
	for {
		plan, err := v.Compile()
		if err == nil {
			return plan
		}
		refused, ok := errors.AsType[*Invalid](err)
		if !ok || !leaveOut(&v, strings.Split(refused.Field, ".")) {
			v = VoiceRouting{} // which always compiles
		}
	}
}

// leaveOut removes what a field names, such as rules.3.pattern: one number of a trunk or
// a profile, one country of a rule that has others, else the whole entry, since a rule
// without countries is one for all. It is false when there is no such thing.
func leaveOut(v *VoiceRouting, field []string) bool {
	field = append(field, "", "", "") // a name, an index, and the same within the entry
	i := entryIndex(field)
	switch field[0] {
	case "directOffers":
		return cutEntry(&v.DirectOffers, i)
	case "trunks":
		if trunk := entry(v.Trunks, i); trunk != nil && leaveOutOf(trunk, field[2:]) {
			return true
		}
		return cutEntry(&v.Trunks, i)
	case "rules":
		if i >= 0 && i < len(v.Rules) && field[2] == "countries" && field[3] != "" && len(v.Rules[i].Countries) > 1 {
			return cutEntry(&v.Rules[i].Countries, entryIndex(field[2:]))
		}
		return cutEntry(&v.Rules, i)
	case "outboundProfiles":
		if profile := entry(v.OutboundProfiles, i); profile != nil && field[2] == "numbers" {
			return cutEntry(&profile.Numbers, entryIndex(field[2:]))
		}
		return cutEntry(&v.OutboundProfiles, i)
	default:
		return false
	}
}

func leaveOutOf(t *Trunk, field []string) bool {
	switch field[0] {
	case "numbers":
		return cutEntry(&t.Numbers, entryIndex(field))
	case "testNumbers":
		return cutEntry(&t.TestNumbers, entryIndex(field))
	case "failOver":
		return cutEntry(&t.FailOver, entryIndex(field))
	default:
		return false
	}
}

// lastEntry stands for the last entry: there are too many.
const lastEntry = -1

// entryIndex is which entry of a list a field means.
func entryIndex(field []string) int {
	if i, err := strconv.Atoi(field[1]); err == nil {
		return i
	}
	return lastEntry
}

// entry is one entry of a list; nil when there is no such one.
func entry[T any](list []T, i int) *T {
	if i < 0 || i >= len(list) {
		return nil
	}
	return &list[i]
}

// cutEntry removes one entry of a list.
func cutEntry[T any](list *[]T, i int) bool {
	if i == lastEntry {
		i = len(*list) - 1
	}
	if entry(*list, i) == nil {
		return false
	}
	*list = slices.Concat((*list)[:i], (*list)[i+1:])
	return true
}
