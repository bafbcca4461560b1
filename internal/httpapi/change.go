package httpapi

import (
	"context"

	"lifeline/internal/emergency"
)

// changeBy says who changes the configuration, as the audit keeps it.
func changeBy(ctx context.Context) emergency.Change {
	v := visitOf(ctx)
	return emergency.Change{By: string(v.who.Role), RequestID: v.id}
}
