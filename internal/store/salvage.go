package store

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"lifeline/internal/emergency"
)

// usable is the plan of a voice routing as far as it can be used. What is kept was
// valid when it was saved, but a later version may have stricter rules, and while one
// takes over from the other, an earlier one may not know all of it. Whoever is in
// danger then still has all other ways out (B7): only what this version refuses is
// left out, and what needs it.
func usable(routing emergency.VoiceRouting) *emergency.VoicePlan {
	for {
		plan, err := routing.Compile()
		if err == nil {
			return plan
		}
		refused, ok := errors.AsType[*emergency.Invalid](err)
		if !ok || !leaveOut(&routing, strings.Split(refused.Field, ".")) {
			routing = emergency.VoiceRouting{} // which always compiles
		}
	}
}

// leaveOut removes what a field names, such as rules.3.pattern: one number of a trunk or
// a profile, else the whole entry, since a rule for fewer countries might be one for all.
// It is false when there is no such thing.
func leaveOut(v *emergency.VoiceRouting, field []string) bool {
	field = append(field, "", "", "") // a name, an index, and the same within the entry
	i := index(field)
	switch field[0] {
	case "directOffers":
		return cut(&v.DirectOffers, i)
	case "trunks":
		if i >= 0 && i < len(v.Trunks) && leaveOutOf(&v.Trunks[i], field[2:]) {
			return true
		}
		return cut(&v.Trunks, i)
	case "rules":
		return cut(&v.Rules, i)
	case "outboundProfiles":
		if i >= 0 && i < len(v.OutboundProfiles) && field[2] == "numbers" {
			return cut(&v.OutboundProfiles[i].Numbers, index(field[2:]))
		}
		return cut(&v.OutboundProfiles, i)
	default:
		return false
	}
}

func leaveOutOf(t *emergency.Trunk, field []string) bool {
	switch field[0] {
	case "numbers":
		return cut(&t.Numbers, index(field))
	case "testNumbers":
		return cut(&t.TestNumbers, index(field))
	case "failOver":
		return cut(&t.FailOver, index(field))
	default:
		return false
	}
}

// last stands for the last entry: there are too many.
const last = -1

// index is which entry of a list a field means.
func index(field []string) int {
	if i, err := strconv.Atoi(field[1]); err == nil {
		return i
	}
	return last
}

// cut removes one entry of a list.
func cut[T any](list *[]T, i int) bool {
	if i == last {
		i = len(*list) - 1
	}
	if i < 0 || i >= len(*list) {
		return false
	}
	*list = slices.Delete(*list, i, i+1)
	return true
}
