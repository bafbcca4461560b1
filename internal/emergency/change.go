package emergency

// Change says who changes the configuration, and what of it they had seen.
type Change struct {
	// By names the administrator as the audit knows them: a role and the beginning
	// of a hash of the token, for example "admin 3f9a1c2b". It holds no secret.
	By string
	// RequestID is how the log knows the request.
	RequestID string
	// Seen is the revision that the change is based on: what is kept must have it
	// still, or somebody's work would be lost. Zero stands for any, SeenNothing for
	// nothing kept yet.
	Seen int64
}

// SeenNothing is what somebody has seen who changes what is not kept yet, such as the
// contacts of a new agent.
const SeenNothing = -1
