package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// noticeRow is a notice as it is kept.
type noticeRow struct {
	emergency.NoticeID

	agent emergency.AgentID
	site  emergency.SiteID
	// facts are those of a refused dial, in JSON. What a notice of a call has to say
	// stands with the call.
	facts string
	at    time.Time
}

// EnsureNotice makes sure that there is a notice of a call or of a refused dial, with
// its recipients. Who they are is decided once, from what the records say then: the
// site's own list when nobody has acknowledged, a test's test list, and else whoever is
// told of a call. A call that is closed gets no further notice. The error is
// emergency.ErrUnknownCall when there is neither call nor refused dial.
func (s *Store) EnsureNotice(ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int) error {
	n := noticeRow{NoticeID: emergency.NoticeID{CallID: id, Event: event, Round: round}}
	known, err := noticeRows(ctx, s.read, n.NoticeID)
	if err != nil || len(known) > 0 {
		return err
	}
	err = s.background.withCall(ctx, "ensure notice", id, func(t tx, call emergency.Call) error {
		if !call.ClosedAt.IsZero() {
			return nil
		}
		n.agent, n.site, n.at = call.AgentID, call.SiteID, s.now()
		return t.makeNotice(ctx, n, call.Kind)
	})
	if errors.Is(err, emergency.ErrUnknownCall) {
		return s.ensureOfRefused(ctx, n)
	}
	return err
}

// makeNotice adds a notice to whom it concerns by now, and tells of it.
func (t tx) makeNotice(ctx context.Context, n noticeRow, kind emergency.Kind) error {
	caller, err := keptCaller(ctx, t, n.agent, n.site)
	if err != nil {
		return err
	}
	to := caller.Recipients(kind)
	if n.Event == emergency.NoticeEscalated {
		to = caller.Escalation(kind)
	}
	made, err := t.insertNotice(ctx, n, queued(n.Event, n.Round, to, n.at))
	if err != nil || !made {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventNoticeUpdated, AgentID: n.agent, SiteID: n.site, CallID: n.CallID, At: n.at,
	})
}

// keptCaller is what is still known of whom a notice concerns. The site is the one of
// the call, even if the agent has moved since.
func keptCaller(ctx context.Context, q querier, agent emergency.AgentID, site emergency.SiteID) (emergency.Caller, error) {
	var caller emergency.Caller
	var err error
	if caller.Agent, err = keptAgent(ctx, q, agent); err != nil {
		return caller, err
	}
	if caller.Site, err = readSite(ctx, q, site); err != nil {
		return caller, err
	}
	typed, err := collect(ctx, q, scanString[string], `SELECT as_typed FROM contacts WHERE agent_id = $1`, agent)
	if err != nil {
		return caller, fmt.Errorf("read contacts: %w", err)
	}
	for _, field := range typed {
		// As in a dial, what a later rule refuses keeps nobody else from being told.
		caller.Contacts, _ = emergency.ParseRecipients(field)
	}
	return caller, nil
}

// queued are the deliveries of a notice before any is sent.
func queued(event emergency.NoticeEvent, round int, to []string, at time.Time) []emergency.Delivery {
	var all []emergency.Delivery
	for _, address := range to {
		all = append(all, emergency.Delivery{
			Event: event, Round: round, Address: address, State: emergency.DeliveryQueued, UpdatedAt: stamp(at),
		})
	}
	return all
}

// tellOfDial adds the notice that a call was made. Without anybody to tell that is left
// to EnsureNotice: whoever dials does not wait for it.
func (t tx) tellOfDial(ctx context.Context, call emergency.Call) error {
	if len(call.Notice.Deliveries) == 0 {
		return nil
	}
	_, err := t.insertNotice(ctx, noticeRow{
		NoticeID: emergency.NoticeID{CallID: call.ID, Event: emergency.NoticePlaced},
		agent:    call.AgentID, site: call.SiteID, at: call.DialedAt,
	}, call.Notice.Deliveries)
	return err
}

// insertNotice adds a notice with its deliveries, in two statements however many these
// are, since somebody may be dialing. It reports false when the notice is there already.
func (t tx) insertNotice(ctx context.Context, n noticeRow, deliveries []emergency.Delivery) (bool, error) {
	made, err := t.exec(ctx, `INSERT INTO notices (call_id, event, round, agent_id, site_id, facts, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (call_id, event, round) DO NOTHING`,
		n.CallID, n.Event, n.Round, n.agent, n.site, n.facts, stamp(n.at))
	if err != nil || made == 0 || len(deliveries) == 0 {
		return made > 0, err
	}
	var values strings.Builder
	args := []any{n.CallID, n.Event, n.Round, emergency.DeliveryQueued, stamp(n.at)}
	for i, delivery := range deliveries {
		if i > 0 {
			values.WriteString(", ")
		}
		args = append(args, delivery.Address)
		values.WriteString("($1, $2, $3, $4, '', $5, $" + strconv.Itoa(len(args)) + ")")
	}
	_, err = t.exec(ctx, `INSERT INTO deliveries (call_id, event, round, state, message_id, updated_at, address)
		VALUES `+values.String(), args...)
	return true, err
}

// Notice reads what a notice has to say, and to whom it is yet to be said. The error is
// emergency.ErrUnknownCall when there is neither call nor refused dial.
func (s *Store) Notice(
	ctx context.Context, id emergency.CallID, event emergency.NoticeEvent, round int,
) (emergency.Notice, []emergency.Delivery, error) {
	of := emergency.NoticeID{CallID: id, Event: event, Round: round}
	notice, err := s.noticeOf(ctx, of)
	if err != nil {
		return emergency.Notice{}, nil, err
	}
	waiting, err := collect(ctx, s.read, scanDelivery, selectDelivery+`
		WHERE call_id = $1 AND event = $2 AND round = $3 AND state = $4 ORDER BY address`, id, event, round, emergency.DeliveryQueued)
	if err != nil {
		return emergency.Notice{}, nil, fmt.Errorf("list deliveries: %w", err)
	}
	return notice, waiting, nil
}

func (s *Store) noticeOf(ctx context.Context, of emergency.NoticeID) (emergency.Notice, error) {
	rows, err := noticeRows(ctx, s.read, of)
	if err != nil {
		return emergency.Notice{}, err
	}
	if len(rows) > 0 && rows[0].facts != "" {
		return rows[0].refused()
	}
	call, err := s.Call(ctx, of.CallID)
	if err != nil {
		return emergency.Notice{}, err
	}
	agent, err := keptAgent(ctx, s.read, call.AgentID)
	if err != nil {
		return emergency.Notice{}, err
	}
	site, err := s.Site(ctx, call.SiteID)
	if err != nil {
		return emergency.Notice{}, err
	}
	return emergency.Notice{
		CallID: call.ID, Event: of.Event, Round: of.Round, Kind: call.Kind, AgentName: agent.Name, SiteName: site.Name,
		Dialed: call.Dialed, DialedAt: call.DialedAt, Number: call.Number, Conveyed: call.Conveyed, Zone: site.TimeZone,
	}, nil
}

// noticeRows are the notice asked for, or none.
func noticeRows(ctx context.Context, q querier, id emergency.NoticeID) ([]noticeRow, error) {
	rows, err := collect(ctx, q, scanNotice, `SELECT call_id, event, round, agent_id, site_id, facts, created_at FROM notices
		WHERE call_id = $1 AND event = $2 AND round = $3`, id.CallID, id.Event, id.Round)
	if err != nil {
		return nil, fmt.Errorf("read notice: %w", err)
	}
	return rows, nil
}

func scanNotice(rows *sql.Rows) (noticeRow, error) {
	var n noticeRow
	err := rows.Scan(&n.CallID, &n.Event, &n.Round, &n.agent, &n.site, &n.facts, &n.at)
	n.at = n.at.UTC()
	return n, err //nolint:wrapcheck // collect wraps
}

// notification reads who is told of a call, in the order of the telling.
func notification(ctx context.Context, q querier, id emergency.CallID) (emergency.Notification, error) {
	var all emergency.Notification
	rows, err := collect(ctx, q, scanTold, `SELECT d.event, d.round, d.address, d.state, d.message_id, d.updated_at,
			n.acknowledged_at, n.acknowledged_by
		FROM notices n JOIN deliveries d ON d.call_id = n.call_id AND d.event = n.event AND d.round = n.round
		WHERE n.call_id = $1 ORDER BY n.created_at, d.event, d.round, d.address`, id)
	for _, row := range rows {
		all.Deliveries = append(all.Deliveries, row.Delivery)
		if !row.acknowledged.IsZero() {
			all.AcknowledgedAt, all.AcknowledgedBy = row.acknowledged, row.by
		}
	}
	return all, err
}

// told is a delivery with what became of its notice.
type told struct {
	emergency.Delivery

	acknowledged time.Time
	by           string
}

func scanTold(rows *sql.Rows) (told, error) {
	var (
		one          told
		acknowledged sql.NullTime
	)
	err := rows.Scan(&one.Event, &one.Round, &one.Address, &one.State, &one.MessageID, &one.UpdatedAt, &acknowledged, &one.by)
	one.UpdatedAt, one.acknowledged = one.UpdatedAt.UTC(), orZero(acknowledged)
	return one, err //nolint:wrapcheck // collect wraps
}

// decodeFacts reads what a refused dial was.
func decodeFacts(text string) (refusedFacts, error) {
	var facts refusedFacts
	if err := json.Unmarshal([]byte(text), &facts); err != nil {
		return facts, fmt.Errorf("decode facts of a refused dial: %w", err)
	}
	return facts, nil
}
