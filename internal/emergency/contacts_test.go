package emergency_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/idna"
	"pgregory.net/rapid"
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

// Names are read with the addresses, in the ways that people write and paste them
// (S17).
func TestRecipientsHaveNames(t *testing.T) {
	desk := emergency.Recipient{Name: "Security Desk", Address: "desk@example.org"}
	for _, c := range []struct {
		name, field string
		want        []emergency.Recipient
	}{
		{"no name", "desk@example.org", []emergency.Recipient{{Address: "desk@example.org"}}},
		{"a name", "Security Desk <desk@example.org>", []emergency.Recipient{desk}},
		{"brackets alone", "<desk@example.org>", []emergency.Recipient{{Address: "desk@example.org"}}},
		{"a quoted name", `"Security Desk" <desk@example.org>;`, []emergency.Recipient{desk}},
		{"the name behind", "desk@example.org (Security Desk)", []emergency.Recipient{desk}},
		// Between quotation marks a semicolon separates nothing, nor does a mark behind a backslash end them.
		{
			"a semicolon in quotes", `"Desk; night" <night@example.org>; "a \"b; c\"" <desk@example.org>`,
			[]emergency.Recipient{{"Desk; night", "night@example.org"}, {`a "b; c"`, "desk@example.org"}},
		},
		// Outlook shows family names first, and separates by semicolons.
		{
			"a comma in a name", "Desk, Security (night) <desk@example.org>; b@example.com",
			[]emergency.Recipient{{"Desk, Security (night)", "desk@example.org"}, {"", "b@example.com"}},
		},
		{"the address for a name", "Desk@example.org <desk@example.org>", []emergency.Recipient{{Address: "desk@example.org"}}},
		{"a name in another script", "Sikkerhed Ærø <vagt@example.org>", []emergency.Recipient{{"Sikkerhed Ærø", "vagt@example.org"}}},
		// The first way to write an address is the one that is kept.
		{"merged", "Security Desk <desk@example.org>; Night <DESK@example.org>", []emergency.Recipient{desk}},
		// International domains come in two forms, which are one domain.
		{"international", "vagt@ærø.example", []emergency.Recipient{{Address: "vagt@ærø.example"}}},
		{"its ASCII form", "vagt@xn--r-3fa9c.example", []emergency.Recipient{{Address: "vagt@xn--r-3fa9c.example"}}},
		{"merged over both forms", "vagt@ÆRØ.example; vagt@XN--r-3fa9c.example; vagt@ærø.example", []emergency.Recipient{{Address: "vagt@ÆRØ.example"}}},
		{"a script with marks", "desk@हिन्दी.example", []emergency.Recipient{{Address: "desk@हिन्दी.example"}}},
		{"a mailbox in another script", "vagten.på@example.org", []emergency.Recipient{{Address: "vagten.på@example.org"}}},
		// Web pages leave marks around what is copied from them, which nobody can see.
		{"hidden marks", "\u200bdesk@example.org\u00a0;\u202aSecurity Desk <desk@example.org>\u202c", []emergency.Recipient{{Address: "desk@example.org"}}},
		{"a host of the own network", "desk@mail", []emergency.Recipient{{Address: "desk@mail"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := emergency.Recipients(c.field)
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

// refusedFields are what is no list of addresses, and what people are told of it. One
// bad part spoils the field, so that nobody believes to have been heard (S17). The
// part is named, counted as people count, and shown so that it does no harm.
var refusedFields = []struct{ name, field, want string }{
	{"no address", "desk", `recipients has in part 1, "desk", no e-mail address: it has no @`},
	{"no address among others", "desk@example.com;;night; day", `recipients has in part 2, "night", no e-mail address: it has no @`},
	{"no domain", "desk@", `in part 1, "desk@", no e-mail address: write it like`},
	{"no mailbox", "@example.com", `in part 1, "@example.com", no e-mail address: write it like`},
	{"commas", "desk@example.com,night@example.org", "a semicolon must stand between two addresses"},
	{"a space", "desk@example.com night@example.org", "a semicolon must stand between two addresses"},
	// An address that hides in a name would never be written to.
	{"one address in brackets behind another", "a@example.com<b@example.com>", "a semicolon must stand between two addresses"},
	{"an @ typed twice", "bad@@example.org", `recipients has in part 1, "bad@@example.org", no e-mail address: it has more than one @`},
	{"two domains", "desk@example.com@example.org", "it has more than one @"},
	{"an @ typed twice, with a name", "Desk <bad@@example.org>", "it has more than one @"},
	{"an address in a name", "a@example.com, Desk <b@example.com>", "a semicolon must stand between two addresses"},
	{"a quotation mark", `"Desk <desk@example.com>; night@example.org`, `in part 1, "\"Desk <desk@example.com>", no e-mail address: a quotation mark is not closed`},
	{"a group", "Desks: a@example.com", "write it like"},
	// Nothing may reach the header of an e-mail.
	{"a header", "desk@example.com\r\nBcc: all@example.com", `in part 1, "desk@example.com\r\nBcc: all@example.com", no`},
	{"a header in a name", "Desk\r\nBcc: all <desk@example.com>", `"Desk\r\nBcc: all <desk@example.com>", no`},
	{"a null", "desk\x00@example.com", `"desk\x00@example.com"`},
	{"no UTF-8", "desk\xff@example.com", "UTF-8"},
	// What looks like another name or address is none.
	{"a name that turns", "Desk \u202e <desk@example.com>", `"Desk \u202e <desk@example.com>"`},
	{"a hidden character", "de\u200bsk@example.com", `"de\u200bsk@example.com"`},
	{"a mailbox in quotes", `"the desk"@example.com`, "must do without quotation marks"},
	// Domains go by the plain rules of names.
	{"an empty label", "desk@example..com", "write it like"},
	{"a trailing dot", "desk@example.com.", "write it like"},
	{"a dash before", "desk@-example.com", "no domain"},
	{"a dash behind", "desk@example-.com", "no domain"},
	{"an underscore", "desk@exam_ple.com", "no domain"},
	{"an empty ASCII form", "desk@xn--.com", "no domain"},
	{"a symbol", "desk@♥.example", "no domain"},
	{"an accent alone", "desk@\u0301a.example", "no domain"},
	{"an accent apart from its letter", "desk@bu\u0308cher.example", "an accent apart from its letter"},
	{"full-width letters", "desk@ｅｘａｍｐｌｅ.org", "full-width letters"},
	{"a character that is lost", "\ufffd@example.org", "got lost on the way"},
	{"an IP address", "desk@192.0.2.1", "no domain"},
	{"an IP address in brackets", "desk@[192.0.2.1]", "no domain"},
	{"a long label", "desk@" + strings.Repeat("a", 64) + ".com", "no domain"},
	{"a label that is long in ASCII", "desk@" + strings.Repeat("ø", 60) + "æ.example", "no domain"},
	{"a long domain", "desk@" + strings.Repeat("a.", 127) + "com", "no domain"},
	{"a long mailbox", strings.Repeat("a", 65) + "@example.com", "too long"},
	{"a long name", strings.Repeat("a", 201) + " <a@example.com>", "too long"},
	// However much is typed, no more than its beginning is shown.
	{"a long part", strings.Repeat("æ", 10_000), `"` + strings.Repeat("æ", 60) + `…", no`},
	// One dial does not send more than fifty messages.
	{"too many", many(51), "recipients must be at most 50 addresses"},
}

// What is no list of addresses is refused as a whole (S17).
func TestParseRecipientsRefuses(t *testing.T) {
	for _, c := range refusedFields {
		t.Run(c.name, func(t *testing.T) {
			got, err := emergency.ParseRecipients(c.field)
			var invalid *emergency.Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("ParseRecipients gives %q, %v; want *Invalid", got, err)
			}
			if invalid.Field != "recipients" {
				t.Errorf("the field is %q", invalid.Field)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %q, want %q", err, c.want)
			}
		})
	}
	if got, err := emergency.ParseRecipients(many(50)); err != nil || len(got) != 50 {
		t.Errorf("fifty addresses give %d, %v", len(got), err)
	}
}

// Domain names may be as long as they can be, in the form that goes over the wire.
func TestRecipientsOfLongestDomains(t *testing.T) {
	for _, field := range []string{
		"desk@" + strings.Repeat("a", 63) + ".example",
		strings.Repeat("a", 64) + "@" + strings.Repeat("a.", 90) + "example",
		"desk@" + strings.Repeat("ø", 56) + ".example",
	} {
		if _, err := emergency.Recipients(field); err != nil {
			t.Error(err)
		}
	}
}

// Beside an error come the recipients that could be read: what an older version has
// kept still reaches them, and never more than fifty of them (S17, B9).
func TestRecipientsOfAFieldThatIsRefused(t *testing.T) {
	got, err := emergency.ParseRecipients("desk@example.com; night; day@example.org; x@[192.0.2.1]")
	if diff := cmp.Diff([]string{"desk@example.com", "day@example.org"}, got); diff != "" || err == nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if got, _ := emergency.ParseRecipients(many(60)); len(got) != 50 {
		t.Errorf("sixty addresses give %d", len(got))
	}
}

// typedRecipient is a recipient, and one way to type it.
type typedRecipient struct {
	emergency.Recipient

	typed string
}

var (
	names   = rapid.StringMatching(`[A-Za-zÆØÅæøå0-9](?:[A-Za-zÆØÅæøå0-9 .,;'()-]{0,20}[a-z])?`)
	spaces  = rapid.StringMatching(`[ \t\r\n\x{a0}]{0,3}`)
	domains = rapid.SampledFrom([]string{"example.org", "mail.example.com", "EXAMPLE.net", "ærø.example", "xn--r-3fa9c.example", "例え.example"})
)

func drawRecipient(t *rapid.T) typedRecipient {
	r := typedRecipient{Recipient: emergency.Recipient{
		Address: rapid.StringMatching(`[a-z][a-z0-9]{0,5}([.+_-][a-z0-9]{1,5})?`).Draw(t, "mailbox") + "@" + domains.Draw(t, "domain"),
	}}
	if rapid.Bool().Draw(t, "named") {
		r.Name = names.Draw(t, "name")
	}
	bare := !strings.ContainsAny(r.Name, ";()")
	switch {
	case r.Name == "":
		r.typed = r.Address
	case bare && rapid.Bool().Draw(t, "unquoted"):
		r.Name = strings.Join(strings.Fields(r.Name), " ")
		r.typed = r.Name + spaces.Filter(func(s string) bool { return !strings.ContainsAny(s, "\r\n\u00a0") }).Draw(t, "before") + "<" + r.Address + ">"
	default:
		r.typed = strconv.Quote(r.Name) + " <" + r.Address + ">"
	}
	return r
}

// Whatever is typed in one of the ways that people do is read back, and nobody is
// told twice (S17).
func TestRecipientsReadWhatIsTyped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.SliceOfN(rapid.Custom(drawRecipient), 0, 50).Draw(t, "typed")
		var field strings.Builder
		var want []emergency.Recipient
		seen := map[string]bool{}
		for _, r := range typed {
			field.WriteString(spaces.Draw(t, "before") + r.typed + spaces.Draw(t, "behind") + rapid.StringMatching(`;[; ]{0,2}`).Draw(t, "end"))
			key := strings.Replace(strings.ToLower(r.Address), "ærø", "xn--r-3fa9c", 1)
			if !seen[key] {
				want = append(want, r.Recipient)
			}
			seen[key] = true
		}
		got, err := emergency.Recipients(field.String())
		if err != nil {
			t.Fatalf("%q: %v", field.String(), err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q:\n%s", field.String(), diff)
		}
	})
}

// Whatever is typed, an address that is taken can be written to by itself and holds
// nothing that reaches a header, and an error is one line that can be shown anywhere.
func TestRecipientsAreSafe(t *testing.T) {
	odd := rapid.StringOf(rapid.OneOf(
		rapid.Rune(),
		rapid.SampledFrom([]rune("aaabc123@@@...;;<>\"\"\\,:() \t\r\n\x00\u200b\u202e\u0301æø-_[]xn")),
	))
	rapid.Check(t, func(t *rapid.T) {
		field := odd.Draw(t, "field") + rapid.SampledFrom([]string{"", "@example.org", "; a@example.org", "@xn--a", "<a@b>"}).Draw(t, "end")
		got, err := emergency.Recipients(field)
		if len(got) > 50 {
			t.Fatalf("%d recipients", len(got))
		}
		for _, r := range got {
			if again, err := emergency.Recipients(r.Address); err != nil || len(again) != 1 || again[0].Address != r.Address {
				t.Fatalf("%q is %v, %v by itself", r.Address, again, err)
			}
			if strings.ContainsFunc(r.Address+r.Name, unicode.IsControl) || strings.ContainsAny(r.Address, " ;,\"<>") {
				t.Fatalf("%q holds what may reach a header", r)
			}
		}
		if err != nil && (strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) || len(err.Error()) > 1000) {
			t.Fatalf("the error cannot be shown: %q", err)
		}
	})
}

// The two forms of an international domain are one, as the whole Internet translates
// them (RFC 3492): whoever is written to in the one is not told again in the other.
func TestInternationalDomainsMerge(t *testing.T) {
	letter := rapid.RuneFrom(nil, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han, unicode.Hiragana, unicode.Hangul, unicode.Devanagari)
	label := rapid.StringOfN(rapid.OneOf(rapid.RuneFrom([]rune("abcxyz019-")), letter), 1, 16, -1)
	rapid.Check(t, func(t *rapid.T) {
		unicodeForm := strings.ToLower(label.Draw(t, "first")+"."+label.Draw(t, "second")) + ".example"
		ascii, err := idna.Punycode.ToASCII(unicodeForm)
		if err != nil {
			t.Skip() // too long for a label
		}
		one, err := emergency.Recipients("desk@" + unicodeForm)
		if err != nil || len(one) != 1 {
			t.Skip() // no domain
		}
		both, err := emergency.Recipients("desk@" + ascii + "; desk@" + unicodeForm)
		if err != nil || len(both) != 1 {
			t.Fatalf("%s and %s give %v, %v", ascii, unicodeForm, both, err)
		}
	})
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
