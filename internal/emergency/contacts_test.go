package emergency_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

// Contacts are read as people type them (S17).
func TestParseRecipients(t *testing.T) {
	for _, c := range []struct {
		name, field string
		want        []string
	}{
		// One field, separated by semicolons (S17).
		{"one", "desk@example.com", []string{"desk@example.com"}},
		{"two", "desk@example.com;night@example.org", []string{"desk@example.com", "night@example.org"}},
		// Nobody is an answer: then no notice goes out (S9).
		{"nobody", "", nil},
		{"nothing but separators", " ; ;", nil},
		// Spaces and semicolons as people leave them.
		{"spaces", " desk@example.com ; night@example.org ", []string{"desk@example.com", "night@example.org"}},
		{"trailing", "desk@example.com;", []string{"desk@example.com"}},
		{"doubled", ";desk@example.com;;night@example.org", []string{"desk@example.com", "night@example.org"}},
		{"lines", "desk@example.com;\r\nnight@example.org\n", []string{"desk@example.com", "night@example.org"}},
		// A display name may be pasted with the address.
		{"display name", "Security desk <desk@example.com>", []string{"desk@example.com"}},
		// Nobody is told twice.
		{"repeated", "desk@example.com;Desk@Example.com", []string{"desk@example.com"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := emergency.ParseRecipients(c.field)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// many is a field with that many different addresses.
func many(count int) string {
	var field strings.Builder
	for i := range count {
		fmt.Fprintf(&field, "desk%d@example.com;", i)
	}
	return field.String()
}

// What is no list of addresses is refused as a whole (S17).
func TestParseRecipientsRefuses(t *testing.T) {
	for _, c := range []struct{ name, field string }{
		// One bad part spoils the field, so that nobody believes to have been heard (S17).
		{"no address", "desk"},
		{"no address among others", "desk@example.com;night"},
		{"no domain", "desk@"},
		{"commas", "desk@example.com,night@example.org"},
		// Nothing may reach the header of an e-mail.
		{"a header", "desk@example.com\r\nBcc: all@example.com"},
		{"a null", "desk\x00@example.com"},
		// One dial does not send more than fifty messages.
		{"too many", many(51)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := emergency.ParseRecipients(c.field)
			var invalid *emergency.Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("ParseRecipients gives %q, %v; want *Invalid", got, err)
			}
			if invalid.Field != "recipients" {
				t.Errorf("the field is %q", invalid.Field)
			}
		})
	}
	if got, err := emergency.ParseRecipients(many(50)); err != nil || len(got) != 50 {
		t.Errorf("fifty addresses give %d, %v", len(got), err)
	}
}

// A notice goes to the agent's contacts if the mailbox is on, and to the site's own list,
// to everybody once; one of a test to the site's test list alone (S9, S14, S17, B13).
// When nobody acknowledges, the site's list is told, or for want of one the same people
// again (B9).
func TestRecipients(t *testing.T) {
	agents := []string{"night@example.org", "Desk@example.org"}
	for _, c := range []struct {
		name       string
		kind       emergency.Kind
		mailboxOff bool
		site       emergency.Site
		want       []string
		escalation []string
	}{
		{"a call", help, false, emergency.Site{}, []string{"Desk@example.org", "night@example.org"}, []string{"Desk@example.org", "night@example.org"}},
		{
			"a call at a site with a list", help, false,
			emergency.Site{Recipients: "desk@EXAMPLE.org; chief@example.org"},
			[]string{"Desk@example.org", "chief@example.org", "night@example.org"},
			[]string{"chief@example.org", "desk@EXAMPLE.org"},
		},
		{"a call with the mailbox off", help, true, emergency.Site{TestRecipients: "drills@example.org"}, nil, nil},
		{
			"a call with the mailbox off at a site with a list", help, true,
			emergency.Site{Recipients: "chief@example.org"},
			[]string{"chief@example.org"},
			[]string{"chief@example.org"},
		},
		{
			"a test", test, false,
			emergency.Site{Recipients: "chief@example.org", TestRecipients: "lab@example.org; drills@example.org;"},
			[]string{"drills@example.org", "lab@example.org"},
			[]string{"drills@example.org", "lab@example.org"},
		},
		{"a test without a list", test, false, emergency.Site{Recipients: "chief@example.org"}, nil, nil},
		{"a test with the mailbox off", test, true, emergency.Site{TestRecipients: "lab@example.org"}, []string{"lab@example.org"}, []string{"lab@example.org"}},
		// What an older version has kept keeps no call from going on.
		{"a test with a list that is none", test, false, emergency.Site{TestRecipients: "drills"}, nil, nil},
		{
			"a call with a list that is none", help, false,
			emergency.Site{Recipients: "chief"},
			[]string{"Desk@example.org", "night@example.org"},
			[]string{"Desk@example.org", "night@example.org"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			caller := emergency.Caller{Agent: emergency.Agent{MailboxOff: c.mailboxOff}, Site: c.site, Contacts: agents}
			if diff := cmp.Diff(c.want, caller.Recipients(c.kind)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.escalation, caller.Escalation(c.kind)); diff != "" {
				t.Error("the escalation:", diff)
			}
		})
	}
}
