package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/notify"
	"lifeline/internal/store"
	"lifeline/workflows"

	"go.temporal.io/sdk/activity"
)

// tale is what happens to a call, told as the golden histories tell it; but all steps are
// the real ones.
type tale struct {
	name  string
	terms emergency.Terms
	plan  emergency.NoticePlan
	// early are acts before any worker runs; acts come after, each when all is quiet.
	early, acts []func(*scene)
	// refusal is a dial that was refused, standing one that found no number free, nobody
	// one of which nobody is to be told, outside one of an agent with a presence system
	// beside Lifeline's own.
	refusal, standing, nobody, outside bool
	// restless says that e-mails are being tried all the time, nobody knows how often.
	restless bool
	// fail says which steps fail; nil for none.
	fail func(activity.Info) bool
	// refuse is the mail system's answer to the nth try of a message.
	refuse func(notify.Message, int) error
	// pace is how many times slower than here everything in it is.
	pace time.Duration
}

// at is the same tale for a slower machine.
func (tl tale) at(pace time.Duration) *tale {
	tl.pace = pace
	tl.terms.Lease *= pace
	tl.terms.Grace *= pace
	tl.terms.MaxCall *= pace
	tl.plan.AcknowledgeWithin *= pace
	return &tl
}

var (
	// briefTerms outlast a crash and what follows from it on a slow machine.
	briefTerms = emergency.Terms{Lease: 10 * time.Second, Grace: time.Second, MaxCall: 2 * time.Minute, Quarantine: time.Hour}
	// openTerms leave room for a callback after a crash.
	openTerms = emergency.Terms{Lease: time.Second, Grace: 10 * time.Second, MaxCall: 2 * time.Minute, Quarantine: time.Hour}
	// longTerms outlast two escalations with a crash among them.
	longTerms = emergency.Terms{Lease: 28 * time.Second, Grace: time.Second, MaxCall: 2 * time.Minute, Quarantine: time.Hour}
	// overdueTerms have a leg that nobody ends for longer than any may last.
	overdueTerms = emergency.Terms{Lease: time.Second, Grace: time.Second, MaxCall: 10 * time.Second, Quarantine: time.Hour}

	quietPlan   = emergency.NoticePlan{ByUse: true, Outlives: true}
	patientPlan = emergency.NoticePlan{AcknowledgeWithin: time.Minute, Escalations: 2, ByUse: true, Outlives: true}
	hastyPlan   = emergency.NoticePlan{AcknowledgeWithin: 6 * time.Second, Escalations: 2, ByUse: true, Outlives: true}
	chattyPlan  = emergency.NoticePlan{AcknowledgeWithin: time.Minute, Escalations: 2, TellEnd: true, ByUse: true, Outlives: true}
)

// tales are the scenarios of the golden histories.
func tales() []*tale {
	return []*tale{
		{name: "ordinary", terms: briefTerms, plan: quietPlan, acts: acts(nonsense(workflows.SignalCallEnded), hangUp)},
		{name: "long-call", terms: openTerms, plan: quietPlan, acts: acts(outlastLease, hangUp)},
		{name: "callback", terms: openTerms, plan: quietPlan, acts: acts(hangUp, ring, endLeg)},
		{name: "duplicates", terms: openTerms, plan: quietPlan, acts: acts(ring, hangUp, repeatEnd, endLeg)},
		{name: "messages-first", terms: briefTerms, plan: quietPlan, early: acts(ring, hangUp, endLeg)},
		{name: "max-duration", terms: overdueTerms, plan: quietPlan},
		{name: "cancelled-in-call", terms: briefTerms, plan: quietPlan, acts: acts(cancelCall)},
		{name: "cancelled-in-window", terms: openTerms, plan: quietPlan, acts: acts(hangUp, cancelCall)},
		{name: "presence-outside", terms: briefTerms, plan: quietPlan, outside: true, acts: acts(hangUp)},
		{name: "presence-refused", terms: briefTerms, plan: quietPlan, outside: true, acts: acts(hangUp)},
		{name: "release-refused", terms: openTerms, plan: quietPlan, acts: acts(hangUp, ringUnheard, awaitRefusal, endLeg)},
		{name: "sql-in-trouble", terms: briefTerms, plan: quietPlan, fail: localSteps, acts: acts(hangUp)},
		{name: "obsolete", terms: briefTerms, plan: quietPlan, early: acts(closeCall)},
		{name: "late-lease", terms: openTerms, plan: quietPlan, standing: true, acts: acts(leaseLate, hangUp)},
		{name: "late-lease-in-trouble", terms: briefTerms, plan: quietPlan, standing: true, early: acts(leaseLate), fail: localSteps, acts: acts(hangUp)},
		{name: "missed-leg", terms: openTerms, plan: quietPlan, acts: acts(hangUp, missLeg)},
		{name: "corrected", terms: briefTerms, plan: quietPlan, standing: true, acts: acts(correct, hangUp)},
		{name: "corrected-in-trouble", terms: briefTerms, plan: quietPlan, standing: true, early: acts(correct), fail: localSteps, acts: acts(hangUp)},
		{name: "acknowledged-by-two", terms: briefTerms, plan: patientPlan, acts: acts(
			acknowledge(emergency.NoticePlaced, 0, "security@example.org"), acknowledge(emergency.NoticePlaced, 0, "desk@example.org"), hangUp)},
		{name: "unreadable-acknowledgement", terms: briefTerms, plan: patientPlan, acts: acts(nonsense(workflows.SignalAcknowledged), hangUp)},
		{name: "in-vain", terms: longTerms, plan: hastyPlan, acts: acts(hangUp)},
		{name: "told-of-all", terms: openTerms, plan: chattyPlan, acts: acts(hangUp, ring, endLeg)},
		{name: "unreachable", terms: briefTerms, plan: patientPlan, refuse: nobodyThere, acts: acts(hangUp)},
		{name: "mail-is-down-at-first", terms: longTerms, plan: patientPlan, refuse: twiceNot, acts: acts(hangUp)},
		{name: "superseded", terms: longTerms, plan: hastyPlan, refuse: firstRoundNot, restless: true, acts: acts(hangUp)},
		{name: "returned", terms: briefTerms, plan: patientPlan, acts: acts(
			bounce(emergency.NoticePlaced, "security@example.org"), bounce(emergency.NoticePlaced, "desk@example.org"),
			acknowledge(emergency.NoticeEscalated, 1, "desk@example.org"), hangUp)},
		{name: "to-nobody", terms: briefTerms, plan: hastyPlan, nobody: true, acts: acts(hangUp)},
		{name: "refused-acknowledged", refusal: true, plan: patientPlan, acts: acts(acknowledge(emergency.NoticeFailed, 0, "desk@example.org"))},
		{name: "refused-in-vain", refusal: true, plan: hastyPlan},
		{name: "refused-returned", refusal: true, plan: patientPlan, acts: acts(
			bounce(emergency.NoticeFailed, "security@example.org"), bounce(emergency.NoticeFailed, "desk@example.org"),
			acknowledge(emergency.NoticeEscalated, 1, "desk@example.org"))},
		{name: "refused-cancelled", refusal: true, plan: patientPlan, acts: acts(cancelCall)},
	}
}

func acts(all ...func(*scene)) []func(*scene) { return all }

func hangUp(s *scene)    { s.end(s.leg(), true) }
func closeCall(s *scene) { s.end(s.leg(), false); s.closeInSQL() }

func (s *scene) end(leg emergency.LegID, tell bool) {
	s.Helper()
	_, err := s.stage.store.EndLegs(s.Context(), store.Ending{CallID: s.id, LegID: leg, Reason: emergency.EndHungUp, At: time.Now(), Tell: tell})
	s.ok(err)
	s.stage.relay.Wake(s.id)
}

func (s *scene) closeInSQL() {
	s.Helper()
	_, err := s.stage.store.CloseCall(s.Context(), s.id, "expired")
	s.ok(err)
}

func (s *scene) callback() emergency.LegID { return emergency.LegID(s.id) + "-callback" }

func endLeg(s *scene) { s.end(s.callback(), true) }

func ring(s *scene) {
	s.Helper()
	decision, err := s.stage.store.DecideInbound(s.Context(), store.Inbound{
		To: s.number, From: "+12025550911", At: time.Now(), LegID: s.callback(),
	})
	s.ok(err)
	if decision.Verdict != emergency.ConnectAgent {
		s.checkWindow()
		s.Fatalf("the callback is answered with %s", decision.Verdict)
	}
	s.stage.relay.Wake(s.id)
}

// ringUnheard has the PSAP ring back, and the workflow not hear of it for now.
func ringUnheard(s *scene) {
	s.held.Store(true)
	ring(s)
}

// missLeg has the PSAP ring back and hang up, and the workflow hear of the end first.
func missLeg(s *scene) {
	s.Helper()
	ringUnheard(s)
	endLeg(s)
	s.signal(workflows.SignalCallEnded, emergency.LegEnded{LegID: s.callback(), At: time.Now(), Reason: emergency.EndHungUp})
	s.held.Store(false)
	s.stage.relay.Wake(s.id)
}

// awaitRefusal waits until the number has not been given back because of that.
func awaitRefusal(s *scene) {
	s.Helper()
	s.wait("the release to be refused", func() error {
		if !s.refused.Load() {
			return errors.New("it has not been tried")
		}
		return nil
	})
	s.held.Store(false)
	s.stage.relay.Wake(s.id)
}

func outlastLease(s *scene) {
	time.Sleep(time.Until(s.placement.At.Add(s.tale.terms.Lease + 500*time.Millisecond)))
}

func (s *scene) signal(name string, body any) {
	s.Helper()
	s.ok(s.stage.temp.SignalWorkflow(s.Context(), s.workflow(), "", name, body))
}

// nonsense sends what nobody can read.
func nonsense(signal string) func(*scene) {
	return func(s *scene) {
		s.Helper()
		s.signal(signal, "hello")
	}
}

// repeatEnd ends what has ended, and what there never was.
func repeatEnd(s *scene) {
	s.signal(workflows.SignalCallEnded, emergency.LegEnded{LegID: s.leg(), At: time.Now(), Reason: emergency.EndHungUp})
	s.settled()
	s.signal(workflows.SignalCallEnded, emergency.LegEnded{LegID: "unknown", At: time.Now(), Reason: emergency.EndHungUp})
}

func cancelCall(s *scene) {
	s.Helper()
	err := s.stage.temp.CancelWorkflow(s.Context(), s.workflow(), "")
	if !s.tale.refusal {
		s.checkWindow()
	}
	s.ok(err)
}

// checkWindow notes whether the call has lived its time: nothing can happen to it any more.
func (s *scene) checkWindow() {
	s.Helper()
	call, err := s.stage.store.Call(s.Context(), s.id)
	s.ok(err)
	if !call.LegUp() && !time.Now().Before(call.WindowEndsAt()) {
		s.late.Store("the callback window had passed")
	}
}

// leaseLate has a number become free.
func leaseLate(s *scene) {
	s.Helper()
	s.ok(s.stage.store.AddNumber(s.Context(), s.number, s.placement.Caller.Site.ID, emergency.Change{}))
	s.ok(s.stage.store.LeaseLate(s.Context()))
	s.stage.relay.Wake(s.id)
}

// correct says that the PSAP saw a number that the agent had: the answer had not waited for
// SQL, which knows nothing of that number any more.
func correct(s *scene) {
	s.Helper()
	s.placement.Shown = &store.Shown{Number: s.number, Kind: emergency.NumberLeased}
	_, err := s.stage.store.PlaceCall(s.Context(), s.placement)
	s.ok(err)
	s.stage.relay.Wake(s.id)
}

func acknowledge(event emergency.NoticeEvent, round int, by string) func(*scene) {
	return func(s *scene) {
		s.Helper()
		_, err := s.stage.store.Acknowledge(s.Context(), emergency.NoticeLink{
			Notice: emergency.NoticeID{CallID: s.id, Event: event, Round: round}, RecipientKey: emergency.RecipientKey(by),
		}, time.Now())
		s.ok(err)
		s.stage.relay.Wake(s.id)
	}
}

// bounce has the first notice come back from somebody.
func bounce(event emergency.NoticeEvent, from string) func(*scene) {
	return func(s *scene) {
		s.Helper()
		_, err := s.stage.store.RecordMailEvent(s.Context(), emergency.MailEvent{
			ID: fmt.Sprintf("%s %s", s.id, from), Notice: emergency.NoticeID{CallID: s.id, Event: event},
			Address: from, State: emergency.DeliveryBounced, At: time.Now(),
		})
		s.ok(err)
		s.stage.relay.Wake(s.id)
	}
}

// localSteps fails these steps for as long as they are local activities.
func localSteps(info activity.Info) bool {
	return info.IsLocalActivity && slices.Contains([]string{
		workflows.ActivityLeaseNumber, workflows.ActivityRestorePresence, workflows.ActivityReleaseNumber,
	}, info.ActivityType.Name)
}

func nobodyThere(m notify.Message, _ int) error {
	if m.Round > 0 {
		return nil
	}
	return &notify.SendError{Permanent: true, Reason: "nobody of that name"}
}

func twiceNot(_ notify.Message, try int) error {
	if try > 2 {
		return nil
	}
	return &notify.SendError{Reason: "the mail system is down"}
}

func firstRoundNot(m notify.Message, _ int) error {
	if m.Round != 1 {
		return nil
	}
	return &notify.SendError{Reason: "the mail system is down"}
}
