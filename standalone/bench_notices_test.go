package main

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

const (
	// noticeCalls are told to so many people each, by a mail system that takes its time.
	noticeCalls      = 1000
	noticeRecipients = 5
	mailTakes        = 200 * time.Millisecond
	// tellers are the agents whose calls are told; as many others have nobody to tell.
	tellers = 125
	// quietDials are timed before there is anything to tell.
	quietDials = 100
	// noticeCallers dial at once.
	noticeCallers = 16
)

// BenchmarkNotices has people told of many calls at once, and prints how long that takes
// and what becomes of the dials of others meanwhile: Kari's Law wants the notice to delay
// no call.
func BenchmarkNotices(b *testing.B) {
	for b.Loop() {
		var t table
		measureNotices(b, &t)
		t.print(os.Stdout)
	}
	b.ReportMetric(0, "ns/op") // the time of the whole says nothing
}

func measureNotices(b *testing.B, t *table) {
	office := newPostOffice(b)
	office.takes = mailTakes
	s := startServiceTelling(b, func(agent int) string {
		if agent >= tellers {
			return ""
		}
		return "a@example.org; b@example.org; c@example.org; d@example.org; e@example.org"
	}, 2*tellers, false, "LIFELINE_MAIL_TRANSPORT=smtp", "LIFELINE_SMTP_URL=smtp://"+office.address+"?starttls=never", "LIFELINE_ACK_DEADLINE=0s")
	others := s.agents[tellers:]
	oneByOne := func(until func(dialed int) bool) (took series) {
		for i := 0; !until(i); i++ {
			call, err := s.dial(b.Context(), others[i%len(others)])
			if err != nil {
				b.Fatal(err)
			}
			took = append(took, call.took())
			time.Sleep(mailTakes / 10)
		}
		return took
	}
	quietly := oneByOne(func(dialed int) bool { return dialed == quietDials })

	begun := time.Now()
	var calling sync.WaitGroup
	for caller := range noticeCallers {
		calling.Go(func() {
			for i := caller; i < noticeCalls; i += noticeCallers {
				if _, err := s.dial(b.Context(), s.agents[i%tellers]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	calling.Wait()
	answered := time.Since(begun)
	meanwhile := oneByOne(func(int) bool {
		return office.received() >= noticeCalls*noticeRecipients || time.Since(begun) > 10*time.Minute
	})
	told := time.Since(begun)

	t.section(fmt.Sprintf("Notices: %d calls with %d recipients each, from %d callers at once, by a mail server that takes %s for each",
		noticeCalls, noticeRecipients, noticeCallers, mailTakes))
	t.row("until all calls are answered", answered.Round(time.Millisecond).String())
	t.row("until everybody has been told", told.Round(time.Millisecond).String(), perSecond(office.received(), told))
	t.latency("dials of others before", quietly)
	t.latency("dials of others meanwhile", meanwhile)
	t.row("meanwhile ÷ before", fmt.Sprintf("medians %.2f", meanwhile.quantile(0.5).Seconds()/quietly.quantile(0.5).Seconds()))
	s.process.terminate(b)
}
