package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
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
	at    time.Time
}

// EnsureNotice makes sure that there is a notice of a call or of a refused dial, with
// its recipients. Who they are is decided once, from what the records say then: the
// site's own list when nobody has acknowledged, a test's test list, and else whoever is
// told of a call. A call that is closed gets no further notice, and an escalation takes
// the place of those before it. The error is emergency.ErrUnknownCall when there is
// neither call nor refused dial.
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

// makeNotice adds a notice to whom it concerns by now, and tells of it. The agent is
// locked, or an acknowledgement could be missed.
func (t tx) makeNotice(ctx context.Context, n noticeRow, kind emergency.Kind) error {
	caller, err := keptCaller(ctx, t, n.agent, n.site)
	if err != nil {
		return err
	}
	deliveries := queued(n.Event, n.Round, caller.Recipients(kind), n.at)
	if n.Event == emergency.NoticeEscalated {
		if deliveries, err = t.escalate(ctx, n, caller.Escalation(kind)); err != nil {
			return err
		}
	}
	made, err := t.insertNotice(ctx, n, deliveries)
	if err != nil || !made {
		return err
	}
	return t.tell(ctx, emergency.Event{
		Type: emergency.EventNoticeUpdated, AgentID: n.agent, SiteID: n.site, CallID: n.CallID, At: n.at,
	})
}

// escalate gives the deliveries of an escalation. What is still to be sent of those
// before it is not sent any more, so that after an outage people hear of one; and once
// somebody has acknowledged, there is no need for this one either (B9).
func (t tx) escalate(ctx context.Context, n noticeRow, to []string) ([]emergency.Delivery, error) {
	deliveries := queued(n.Event, n.Round, to, n.at)
	if err := t.supersede(ctx, n.CallID, n.Round, n.at); err != nil {
		return nil, err
	}
	var seen int
	if err := t.scan(ctx, &seen, `SELECT COUNT(*) FROM notices WHERE call_id = $1 AND acknowledged_at IS NOT NULL`, n.CallID); err != nil {
		return nil, err
	}
	for i := range deliveries {
		if seen > 0 {
			deliveries[i].State = emergency.DeliverySuperseded
		}
	}
	return deliveries, nil
}

// supersede gives up what waits of a call's escalations before a round.
func (t tx) supersede(ctx context.Context, id emergency.CallID, before int, at time.Time) error {
	_, err := t.exec(ctx, `UPDATE deliveries SET state = $3, updated_at = $4
		WHERE call_id = $1 AND event = 'escalated' AND round < $2 AND state = $5`,
		id, before, emergency.DeliverySuperseded, stamp(at), emergency.DeliveryQueued)
	return err
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
			Event: event, Round: round, Address: address, State: emergency.DeliveryQueued,
			QueuedAt: stamp(at), UpdatedAt: stamp(at),
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
// are, since somebody may be dialing; all are in one state. It reports false when the notice is there already.
func (t tx) insertNotice(ctx context.Context, n noticeRow, deliveries []emergency.Delivery) (bool, error) {
	made, err := t.exec(ctx, `INSERT INTO notices (call_id, event, round, agent_id, site_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (call_id, event, round) DO NOTHING`,
		n.CallID, n.Event, n.Round, n.agent, n.site, stamp(n.at))
	if err != nil || made == 0 || len(deliveries) == 0 {
		return made > 0, err
	}
	var values strings.Builder
	args := []any{n.CallID, n.Event, n.Round, deliveries[0].State, stamp(n.at)}
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

// lateAfter is how long after a dial people are told that they hear of it late.
const lateAfter = 5 * time.Minute

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
	if of.Event == emergency.NoticePlaced || of.Event == emergency.NoticeFailed {
		notice.Late = s.now().Sub(notice.DialedAt) > lateAfter
	}
	waiting, err := collect(ctx, s.read, scanDelivery, selectDelivery+`
		WHERE d.call_id = $1 AND d.event = $2 AND d.round = $3 AND d.state = $4 ORDER BY d.address`,
		id, event, round, emergency.DeliveryQueued)
	if err != nil {
		return emergency.Notice{}, nil, fmt.Errorf("list deliveries: %w", err)
	}
	return notice, waiting, nil
}

func (s *Store) noticeOf(ctx context.Context, of emergency.NoticeID) (emergency.Notice, error) {
	call, err := s.Call(ctx, of.CallID)
	if errors.Is(err, emergency.ErrUnknownCall) {
		return refusedNotice(ctx, s.read, of)
	}
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
		ClosedAt: call.ClosedAt, Forced: slices.ContainsFunc(call.Legs, func(leg emergency.Leg) bool { return leg.Reason == emergency.EndMaxDuration }),
	}, nil
}

// noticeRows are the notice asked for, or none.
func noticeRows(ctx context.Context, q querier, id emergency.NoticeID) ([]noticeRow, error) {
	rows, err := collect(ctx, q, scanNotice, `SELECT call_id, event, round, agent_id, site_id, created_at FROM notices
		WHERE call_id = $1 AND event = $2 AND round = $3`, id.CallID, id.Event, id.Round)
	if err != nil {
		return nil, fmt.Errorf("read notice: %w", err)
	}
	return rows, nil
}

func scanNotice(rows *sql.Rows) (noticeRow, error) {
	var n noticeRow
	err := rows.Scan(&n.CallID, &n.Event, &n.Round, &n.agent, &n.site, &n.at)
	n.at = n.at.UTC()
	return n, err //nolint:wrapcheck // collect wraps
}

// notification reads who is told of a call, in the order of the telling.
func notification(ctx context.Context, q querier, id emergency.CallID) (emergency.Notification, error) {
	all, err := notifications(ctx, q, `= $1`, id)
	return all[id], err
}

// notifications reads the same of all calls whose ID meets a condition.
func notifications(ctx context.Context, q querier, which string, args ...any) (map[emergency.CallID]emergency.Notification, error) {
	rows, err := collect(ctx, q, scanTold, `SELECT `+deliveryColumns+`, n.call_id, n.acknowledged_at, n.acknowledged_by `+fromDeliveries+`
		WHERE n.call_id `+which+` ORDER BY n.created_at, d.event, d.round, d.address`, args...)
	all := map[emergency.CallID]emergency.Notification{}
	for _, row := range rows {
		one := all[row.call]
		one.Deliveries = append(one.Deliveries, row.Delivery)
		if !row.acknowledged.IsZero() {
			one.AcknowledgedAt, one.AcknowledgedBy = row.acknowledged, row.by
		}
		all[row.call] = one
	}
	return all, err
}

// told is a delivery with the first acknowledgement of its call, if it was of its notice.
type told struct {
	emergency.Delivery

	call         emergency.CallID
	acknowledged time.Time
	by           string
}

func scanTold(rows *sql.Rows) (told, error) {
	var (
		one          told
		acknowledged sql.NullTime
		err          error
	)
	one.Delivery, err = scanDeliveryAnd(rows, &one.call, &acknowledged, &one.by)
	one.acknowledged = orZero(acknowledged)
	return one, err
}
