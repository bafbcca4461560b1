package emergency_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
)

// Every entry says where its numbers come from and when somebody last looked, and
// is complete enough to be worked with.
func TestNumberings(t *testing.T) {
	short := regexp.MustCompile(`^[0-9]{3}$`)
	for _, country := range emergency.Countries() {
		t.Run(string(country), func(t *testing.T) {
			plan, ok := country.Numbering()
			if !ok {
				t.Fatal("no entry")
			}
			if plan.Name == "" || plan.Source == "" || len(plan.Emergency) == 0 {
				t.Errorf("the entry is not complete: %+v", plan)
			}
			if _, err := time.Parse(time.DateOnly, plan.Reviewed); err != nil {
				t.Errorf("no day of review: %v", err)
			}
			if !regexp.MustCompile(`^[1-9][0-9]{0,2}$`).MatchString(plan.CallingCode) {
				t.Errorf("%q is no calling code", plan.CallingCode)
			}
			// What goes out is known there; what is not is accepted all the same.
			if slices.Contains(plan.Foreign, plan.Emergency[0]) {
				t.Errorf("%s goes out and is foreign", plan.Emergency[0])
			}
			for _, number := range plan.Foreign {
				if !slices.Contains(plan.Emergency, number) {
					t.Errorf("%s is foreign and no emergency number", number)
				}
			}
			// Longer or shorter numbers would need another look at what can stand
			// before them without being somebody's own number.
			for _, number := range append(plan.Emergency, plan.Test...) {
				if !short.MatchString(number) {
					t.Errorf("%q has not three digits", number)
				}
			}
		})
	}
}

// The public data on short numbers says the same as the table, but for what is listed
// here on purpose, among all numbers of three digits.
func TestNumberingsAgainstPublicData(t *testing.T) {
	const (
		theirsAlone = "in the public data alone"
		oursAlone   = "in our table alone"
	)
	want := map[string]string{
		// Mobile handsets take 112 for an emergency in any network, and so the public
		// data has it. A desktop has no such handset behind it, and S1 names 911 alone.
		"US 112": theirsAlone,
		"CA 112": theirsAlone,
		// 114 is the Danish police on matters that can wait.
		"DK 114": theirsAlone,
		// The product takes 911 wherever it is served (S1).
		"GB 911": oursAlone,
		"DK 911": oursAlone,
	}
	got := map[string]string{}
	for _, country := range everywhere {
		for n := range 1000 {
			number := fmt.Sprintf("%03d", n)
			dialed, err := emergency.DialPlan{}.Classify(number, in(country))
			ours := err == nil && dialed.Kind == help
			theirs := phonenumbers.IsEmergencyNumber(number, string(country))
			switch {
			case theirs && !ours:
				got[string(country)+" "+number] = theirsAlone
			case ours && !theirs:
				got[string(country)+" "+number] = oursAlone
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
