package emergency_test

import (
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// The desktop offers what cannot cut the caller off (S6, S7).
func TestControls(t *testing.T) {
	locked := []string{"device-settings", "end-call"}
	for _, c := range []struct {
		name    string
		call    emergency.Call
		want    emergency.Controls
		warning string
	}{
		// While a leg is up there are two buttons, no form command, and a warning (S6, S7).
		{"up", callWith(leg(0, up)), emergency.Controls{Panel: locked}, "Emergency call in progress."},
		// A callback locks the panel again (B3).
		{"called back", callWith(leg(0, 5), leg(9, up)), emergency.Controls{Panel: locked}, "Emergency call in progress."},
		// One leg of two going does not free the panel (B4).
		{"one of two", callWith(leg(0, 5), leg(2, up)), emergency.Controls{Panel: locked}, "Emergency call in progress."},
		// Without a leg the desktop is as ever.
		{"hung up", callWith(leg(0, 5)), emergency.Controls{Panel: []string{}, Save: true, Refresh: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.call.Controls()
			if c.warning == "" && got.Warning != "" || !strings.HasPrefix(got.Warning, c.warning) {
				t.Errorf("the warning is %q, want %q", got.Warning, c.warning)
			}
			got.Warning = ""
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The warning of a test says that it is one, and does not say that help comes (B13).
func TestControlsOfATest(t *testing.T) {
	call := callWith(leg(0, up))
	call.Kind = emergency.KindTest
	if got := call.Controls().Warning; !strings.HasPrefix(got, "Test of emergency calling") {
		t.Errorf("the warning is %q", got)
	}
}
