package process

import (
	"context"
	"log/slog"
	"time"

	"lifeline/internal/emergency"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// refusedAtMost is how many refused dials may wait to be written down. More at
	// once are no people, and the metric counts them all the same.
	refusedAtMost = 1024
	// recordAgain is how soon a refused dial is written down again that could not be.
	recordAgain = time.Second
	// recordWithin bounds the trouble with one refused dial: others wait behind it.
	recordWithin = time.Minute
	// recordLast bounds what is still done when the process stops.
	recordLast = 5 * time.Second
)

// refusals has people told of dials that could not work (B10), behind the back of
// whoever dialed: the answer waits for none of it (B7).
type refusals struct {
	record func(ctx context.Context, refused emergency.RefusedCall) error
	log    *slog.Logger
	queue  chan emergency.RefusedCall
	count  *prometheus.CounterVec
}

func newRefusals(record func(context.Context, emergency.RefusedCall) error, registry prometheus.Registerer, log *slog.Logger) *refusals {
	r := &refusals{
		record: record, log: log, queue: make(chan emergency.RefusedCall, refusedAtMost),
		count: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lifeline_refused_dials_total",
			Help: "Dials of emergency numbers that were refused, by the first check that failed; tests are not counted.",
		}, []string{"code"}),
	}
	registry.MustRegister(r.count)
	return r
}

// tell takes note of a refused dial. It never blocks.
func (r *refusals) tell(refused emergency.RefusedCall) {
	if refused.Kind != emergency.KindTest { // which is nobody in danger (B13)
		r.count.WithLabelValues(string(refused.Code)).Inc()
	}
	select {
	case r.queue <- refused:
	default:
		r.log.Error("Too many emergency calls are refused at once; nobody but this log is told of this one",
			"agent", refused.AgentID, "code", refused.Code)
	}
}

// run writes refused dials down until the context ends, and then those that wait.
func (r *refusals) run(ctx context.Context) {
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(recordLast, cancel) })()
	for {
		select {
		case refused := <-r.queue:
			r.keep(patient, refused)
		case <-ctx.Done():
			for len(r.queue) > 0 {
				r.keep(patient, <-r.queue)
			}
			return
		}
	}
}

// keep writes one refused dial down, trying again while that may help. The log never
// has what was dialed.
func (r *refusals) keep(ctx context.Context, refused emergency.RefusedCall) {
	log := r.log.With("agent", refused.AgentID, "site", refused.SiteID, "country", refused.Country, "code", refused.Code)
	if refused.Kind == emergency.KindTest {
		log.Info("A test call was refused")
	} else {
		log.Warn("An emergency call was refused")
	}
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	for {
		err := r.record(ctx, refused)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			log.Error("A refused call could not be written down; nobody but this log is told of it", "error", err)
			return
		case <-time.After(recordAgain):
		}
	}
}
