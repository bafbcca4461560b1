package notify

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// outcomes is a transport that answers with one error after the other.
type outcomes []error

func (o *outcomes) Send(context.Context, Message) (string, error) {
	next := (*o)[0]
	*o = (*o)[1:]
	return "id", next
}

// What becomes of e-mails is counted, and a mail system that does not let us in is said
// aloud: once until it works again, however many notices wait (B9). Neither a recipient
// who is refused nor a system that is out of order is called a fault of ours.
func TestWatched(t *testing.T) {
	locked := &SendError{Misconfigured: true, Reason: "SendGrid answered 401"}
	busy, unknown := &SendError{Reason: "SendGrid answered 503"}, &SendError{Permanent: true, Reason: "SendGrid answered 400"}
	all := outcomes{busy, unknown, nil, locked, locked, busy, unknown, locked, nil, nil, locked}
	var log bytes.Buffer
	registry := prometheus.NewRegistry()
	transport := Watched(&all, registry, slog.New(slog.NewTextHandler(&log, nil)))
	for _, expected := range append(outcomes{}, all...) {
		if id, err := transport.Send(t.Context(), Message{}); !errors.Is(err, expected) || id != "id" {
			t.Errorf("%q, %v, want %v", id, err, expected)
		}
	}
	counts, err := registry.Gather()
	if err != nil || len(counts) != 1 || counts[0].GetName() != "lifeline_mail_attempts_total" {
		t.Fatalf("metrics %v, %v", counts, err)
	}
	got := map[string]float64{}
	for _, count := range counts[0].GetMetric() {
		got[count.GetLabel()[0].GetValue()] = count.GetCounter().GetValue()
	}
	if diff := cmp.Diff(map[string]float64{"misconfigured": 4, "postponed": 2, "refused": 2, "sent": 3}, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "level=ERROR") || !strings.Contains(lines[0], "SendGrid answered 401") ||
		!strings.Contains(lines[1], "level=INFO") || !strings.Contains(lines[2], "level=ERROR") {
		t.Errorf("the log is\n%s", log.String())
	}
}
