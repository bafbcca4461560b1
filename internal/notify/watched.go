package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// watched lets operators see what becomes of e-mails.
type watched struct {
	Transport

	log   *slog.Logger
	count *prometheus.CounterVec
	// refused is true while the mail system does not let us in.
	refused atomic.Bool
}

// Watched counts what becomes of a transport's attempts, and says aloud when the mail
// system does not let us in: then nobody is told of anything until an administrator mends
// it, and each notice is tried only for as long as it is of use (B9). It is logged once
// until it works again, for there may be thousands of attempts.
func Watched(t Transport, registry prometheus.Registerer, log *slog.Logger) Transport {
	w := &watched{Transport: t, log: log, count: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lifeline_mail_attempts_total",
		Help: "Attempts to hand an e-mail to the mail system, by what became of it.",
	}, []string{"outcome"})}
	for _, outcome := range []string{"sent", "postponed", "refused", "misconfigured"} {
		w.count.WithLabelValues(outcome) // so that a growth from nothing is seen
	}
	registry.MustRegister(w.count)
	return w
}

// Send does what the transport does.
func (w *watched) Send(ctx context.Context, m Message) (string, error) {
	id, err := w.Transport.Send(ctx, m)
	failed, _ := errors.AsType[*SendError](err)
	switch {
	case err == nil:
		w.count.WithLabelValues("sent").Inc()
		if w.refused.CompareAndSwap(true, false) {
			w.log.InfoContext(ctx, "The mail system takes notices again")
		}
	case failed != nil && failed.Misconfigured:
		w.count.WithLabelValues("misconfigured").Inc()
		if w.refused.CompareAndSwap(false, true) {
			w.log.ErrorContext(ctx, "The mail system does not let Lifeline in: nobody is told of emergency calls until the key, the log-in or the sender is mended; notices are tried again meanwhile",
				"reason", err.Error())
		}
	case failed != nil && failed.Permanent:
		w.count.WithLabelValues("refused").Inc()
	default:
		w.count.WithLabelValues("postponed").Inc()
	}
	return id, err //nolint:wrapcheck // a *SendError comes out as it is
}
