package httpapi

import (
	"context"
	"errors"
	"net/http"

	"lifeline/internal/emergency"

	"github.com/gin-gonic/gin"
)

// maxMailEvents is how long the body with a batch of events may be.
const maxMailEvents = 1 << 20

// The headers by which SendGrid signs.
const (
	mailSignature = "X-Twilio-Email-Event-Webhook-Signature"
	mailTimestamp = "X-Twilio-Email-Event-Webhook-Timestamp"
)

var errMailEventsForged = &fault{
	status: http.StatusUnauthorized, code: "unauthenticated",
	detail: "This was not signed with the key that is configured here, or not in the last ten minutes.",
}

// receiveMailEvents keeps what SendGrid tells of its deliveries (B9). It stands beside
// the contract's handlers, because the signature is one over the body as it came.
func (s *server) receiveMailEvents(c *gin.Context) {
	body, err := readBody(c.Writer, c.Request, maxMailEvents)
	if err != nil {
		s.fail(c, err)
		return
	}
	events, err := s.MailEvents.Read(c.GetHeader(mailSignature), c.GetHeader(mailTimestamp), body)
	switch {
	case errors.Is(err, emergency.ErrMailEventsForged):
		s.fail(c, errMailEventsForged)
		return
	case err != nil:
		s.fail(c, badJSON("The body is not a list of events.", nil, 0))
		return
	}
	if err := s.recordMailEvents(c.Request.Context(), events); err != nil {
		s.fail(c, &fault{
			status: http.StatusServiceUnavailable, code: "unavailable",
			detail: "The events cannot be kept at the moment; send them again.", cause: err,
		})
		return
	}
	c.Status(http.StatusNoContent)
}

// recordMailEvents stops at the first that cannot be kept: SendGrid sends all of them
// again, and those that were kept count once. What concerns a notice that has been
// erased, or is none of ours, is passed over.
func (s *server) recordMailEvents(ctx context.Context, events []emergency.MailEvent) error {
	for _, e := range events {
		_, err := s.Records.RecordMailEvent(ctx, e)
		if err != nil && !errors.Is(err, emergency.ErrUnknownNotice) && !errors.Is(err, emergency.ErrUnknownCall) {
			return err //nolint:wrapcheck // the log names the operation beside it
		}
	}
	return nil
}
