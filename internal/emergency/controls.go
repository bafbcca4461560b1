package emergency

// Controls is what the agent's desktop may offer.
type Controls struct {
	// Panel lists the communication panel's buttons while the call is up (S6).
	Panel []string
	// Save and Refresh are the active-conversation form's commands (S7).
	Save    bool
	Refresh bool
	// Warning is the sentence that the panel shows; empty when there is none.
	Warning string
}

// Controls are the commands that stay while a leg is up, and no more: anything
// else could cut the caller off (S6, S7). Without a leg the desktop is free.
func (c Call) Controls() Controls {
	if !c.LegUp() {
		return Controls{Panel: []string{}, Save: true, Refresh: true}
	}
	warning := "Emergency call in progress. Stay on the line until the emergency service ends the call."
	if c.Kind == KindTest {
		warning = "Test of emergency calling in progress. No emergency service has been called."
	}
	return Controls{Panel: []string{"device-settings", "end-call"}, Warning: warning}
}
