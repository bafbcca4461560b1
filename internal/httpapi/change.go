package httpapi

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"lifeline/internal/emergency"
)

// anyRevision, as If-Match, stands for whatever there is now, as long as there is
// something (RFC 9110, 13.1.1).
const anyRevision = "*"

// changeBy says who changes the configuration, as the audit keeps it, and what of it
// they had seen.
func changeBy(ctx context.Context, ifMatch string) emergency.Change {
	v := visitOf(ctx)
	return emergency.Change{By: strings.TrimSpace(string(v.who.Role) + " " + v.key), RequestID: v.id, Seen: seen(ifMatch)}
}

// seen is the revision that an If-Match names, zero for any. The contract admits
// nothing but one strong tag of digits, or the asterisk.
func seen(ifMatch string) int64 {
	if ifMatch == etag(0) {
		return emergency.SeenNothing
	}
	revision, err := strconv.ParseInt(strings.Trim(ifMatch, `"`), 10, 64)
	if err != nil {
		return 0
	}
	return revision
}

// etag is the tag of a revision; it is strong, because the same revision always looks
// the same.
func etag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// mustExist refuses a change of something that anyRevision supposes to be there.
func mustExist(ifMatch string, read func() error) error {
	if ifMatch != anyRevision {
		return nil
	}
	err := read()
	if errors.Is(err, emergency.ErrUnknownSite) || errors.Is(err, emergency.ErrUnknownAgent) {
		return emergency.ErrChangedMeanwhile
	}
	return err
}
