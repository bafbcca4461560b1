// Package workflows holds EmergencyCall, the durable process behind every
// emergency call: it finishes what the dial began, whatever crashes (S11).
//
// The code is deterministic. It imports the domain and the Temporal SDK, does no
// input or output, and reaches the world only through activities, which it knows
// by name: whatever implements them is wired by a main.
package workflows
