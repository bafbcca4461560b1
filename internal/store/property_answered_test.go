package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"pgregory.net/rapid"
)

// shows is what a dial without SQL may have shown: the site's number, or one that the
// agent was thought to hold.
func anyShown(t *rapid.T, p store.Placement) *store.Shown {
	number := rapid.SampledFrom([]string{p.Caller.Site.StandingNumber, first, second, third}).Draw(t, "shown")
	if number == p.Caller.Site.StandingNumber {
		return &store.Shown{Number: number, Kind: emergency.NumberStanding}
	}
	return &store.Shown{Number: number, Kind: emergency.NumberLeased}
}

// before is a time that has passed.
func (r *randomRun) before(t *rapid.T) time.Time {
	return r.m.now.Add(-rapid.SampledFrom(ago).Draw(t, "ago"))
}

// dialsWithoutSQL writes down a call that was answered some time ago, sometimes after its
// end has come already.
func (r *randomRun) dialsWithoutSQL(t *rapid.T) {
	p := r.w.placement(t, r.anyAgent(t))
	p.At, p.Shown = r.before(t), anyShown(t, p)
	if rapid.Bool().Draw(t, "a test") {
		p.Dialed = emergency.Dialed{Number: "933", Kind: emergency.KindTest, Country: emergency.UnitedStates}
	}
	early := rapid.Bool().Draw(t, "ended already")
	end := store.Ending{CallID: p.CallID, Reason: emergency.EndHungUp, At: p.At.Add(time.Second), Tell: true}
	if early {
		if err := only(r.w.EndLegs(t.Context(), end)); !errors.Is(err, emergency.ErrUnknownCall) {
			t.Fatalf("the end of an unknown call gives %v", err)
		}
		r.m.early[p.CallID] = end.At
	}
	r.answers(t, p)
}

// answers places a call as it was answered, twice.
func (r *randomRun) answers(t *rapid.T, p store.Placement) {
	once := r.w.place(t, p)
	r.made = append(r.made, p)
	r.m.answered(p)
	same(t, "the call once more", once, r.w.place(t, p))
}

// learnsWhatWasShown has a dial turn out to have been answered without SQL after all.
func (r *randomRun) learnsWhatWasShown(t *rapid.T) {
	p := rapid.SampledFrom(r.made).Draw(t, "dial")
	if p.Shown == nil {
		p.Shown = anyShown(t, p)
	}
	r.answers(t, p)
}

// callsBackWithoutSQL writes down a callback that was connected some time ago, twice.
func (r *randomRun) callsBackWithoutSQL(t *rapid.T) {
	a := store.Answered{
		CallID: r.anyCall(t).ID, LegID: emergency.LegID(fmt.Sprintf("leg-%09d", r.w.serial.Add(1))),
		To: standing, From: rapid.SampledFrom([]string{"", "+12025550911"}).Draw(t, "from"), At: r.before(t),
	}
	for range 2 {
		if err := r.w.KeepCallback(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	r.m.calledBackWithoutSQL(a)
}

// endsWithoutSQL writes down an end that was told some time ago.
func (r *randomRun) endsWithoutSQL(t *rapid.T) {
	call, at := r.anyCall(t), r.before(t)
	if err := only(r.w.EndLegs(t.Context(), store.Ending{CallID: call.ID, Reason: emergency.EndHungUp, At: at, Tell: true})); err != nil {
		t.Fatal(err)
	}
	r.m.hangUpAll(call.ID, at)
}

// remembered is what is last known, as a copy on disk gives it back.
func (w *world) remembered(t tb) *emergency.Book {
	t.Helper()
	known, err := w.LastKnown(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(known)
	if err != nil {
		t.Fatal(err)
	}
	var again emergency.LastKnown
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	return emergency.NewBook(again)
}
