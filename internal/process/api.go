package process

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/engine"
	"lifeline/internal/httpapi"
	"lifeline/internal/notify"
)

// API serves HTTP, has people told of dials that were refused, and watches who could
// not call.
func (b *Base) API() (Part, error) {
	if b.Config.Tokens == "" {
		return Part{}, errors.New("no tokens: set LIFELINE_TOKENS to role[/agentId]:token,…, or LIFELINE_DATA_DIR to a directory where standalone has made some")
	}
	tokens, err := httpapi.ParseTokens(b.Config.Tokens)
	if err != nil {
		return Part{}, fmt.Errorf("LIFELINE_TOKENS: %w", err)
	}
	b.measureOutbox()
	refused := newRefusals(func(ctx context.Context, r emergency.RefusedCall) error {
		err := b.Store.RefuseCall(ctx, r, b.Config.NoticePlan())
		if err == nil {
			b.wake(r.CallID)
		}
		return err //nolint:wrapcheck // refusals tell the log
	}, b.Registry, b.Log)
	desk, err := b.newDesk(refused.tell)
	if err != nil {
		return Part{}, err
	}
	handler, err := b.handler(tokens, desk)
	if err != nil {
		return Part{}, errors.Join(err, desk.close())
	}
	server := newServer(handler)
	streams := background("event streams", func(ctx context.Context) {
		if err := b.hub.Run(ctx); err != nil && ctx.Err() == nil {
			b.Log.Error("Event streams have stopped", "error", err)
		}
	})
	parts := slices.Concat(desk.parts, []Part{b.watch(), background("refused dials", refused.run), {
		Name:  "http",
		Start: func(ctx context.Context) error { return b.listen(ctx, server, "LIFELINE_HTTP_ADDR", b.Config.HTTPAddr) },
		Stop:  server.Shutdown,
	}, streams}) // the server could not stop before its streams
	return Part{
		Name: "api",
		Start: func(ctx context.Context) error {
			started, err := startAll(ctx, b.Log, parts)
			if err != nil {
				err = errors.Join(err, stopAll(b.Log, started)) //nolint:contextcheck // that one may be over
			}
			return err
		},
		Stop: func(context.Context) error { return stopAll(b.Log, parts) }, //nolint:contextcheck // each part has its own
	}, nil
}

// handler is the HTTP service on this base.
func (b *Base) handler(tokens httpapi.Tokens, desk *desk) (http.Handler, error) {
	links, err := b.links()
	if err != nil {
		return nil, err
	}
	var mailEvents httpapi.MailEvents
	if b.Config.SendGridEventsKey != "" {
		if mailEvents, err = notify.NewEventWebhook(b.Config.SendGridEventsKey, time.Now); err != nil {
			return nil, fmt.Errorf("LIFELINE_SENDGRID_EVENTS_KEY: %w", err)
		}
	}
	webUI := []string{"http://" + b.Config.TemporalUIAddr, "https://" + b.Config.TemporalUIAddr}
	return httpapi.New(httpapi.Options{
		Calls:          desk,
		Records:        b.Store,
		Hub:            b.hub,
		Tokens:         tokens,
		Codec:          engine.CodecHandler(b.Keyring, webUI, tokens.AuthorizeCodec),
		Templates:      wordings{},
		Links:          links,
		MailEvents:     mailEvents,
		LocationMaxAge: b.Config.LocationMaxAge,
		PoolWarning:    b.Config.PoolWarning,
		DialPlan:       b.Config.DialPlan(),
		Checks:         append(b.checks(), httpapi.Check{Name: "spool", Probe: desk.probeSpool}),
		Registry:       b.Registry,
		Logger:         b.Log,
		LoginNext:      webUI,
	}), nil
}

// watch keeps an eye on readiness and pools. It belongs into processes that show
// metrics.
func (b *Base) watch() Part {
	shown := &gauges{clock: time.Now}
	b.Registry.MustRegister(shown)
	w := &watch{
		records: b.Store, locationMaxAge: b.Config.LocationMaxAge, poolWarning: b.Config.PoolWarning, gauges: shown, log: b.Log,
	}
	return background("watch", w.run)
}
