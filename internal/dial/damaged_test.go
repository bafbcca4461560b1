package dial_test

import (
	"errors"
	"strings"
	"testing"

	"lifeline/internal/dial"
	"lifeline/internal/emergency"
)

// A copy of which a part is lost makes nobody unknown who may be known, and says that
// another phone is needed. Nobody can tell a part from the whole, since a disk loses what was
// written last without a trace. The voice routing is there twice (B7).
func TestDamagedCopy(t *testing.T) {
	for name, c := range map[string]struct {
		lost []string
		code string
	}{
		"nothing":           {nil, ""},
		"the agent":         {[]string{"caller/"}, "not-ready"},
		"the routing":       {[]string{"routing"}, ""},
		"the other routing": {[]string{"routing/again"}, ""},
		"both":              {[]string{"routing", "routing/again"}, "not-ready"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.dial(t, "")
			for key := range r.kept.All() {
				for _, lost := range c.lost {
					if key == lost || strings.HasSuffix(lost, "/") && strings.HasPrefix(key, lost) {
						ok(t, r.kept.Delete(key))
					}
				}
			}
			memory := dial.NewMemory(r.kept)
			_ = (&dial.Feed{Memory: memory, Copy: r.kept}).Recall() // what is lost is the journal's to say
			r.Memory = memory
			r.faulty.breaks(down)
			_, err := r.Place(t.Context(), emergency.DialRequest{AgentID: caller, DialedNumber: "911"})
			refusal, refused := errors.AsType[*emergency.Refusal](err)
			switch {
			case c.code == "" && err != nil:
				t.Errorf("the dial is answered with %v", err)
			case c.code != "" && (!refused || refusal.Code != c.code):
				t.Errorf("the dial is answered with %v, want %s", err, c.code)
			}
		})
	}
}
