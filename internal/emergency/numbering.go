package emergency

import (
	"regexp"
	"slices"
)

// Numbering is what may be dialed in one country to reach the emergency services.
type Numbering struct {
	// Name is the country's English name, as it stands in a sentence.
	Name string
	// AlsoWritten are other ways in which desktops write the country: the code of three
	// letters, and names and abbreviations in the languages of the countries served.
	// Dots, spaces and accents need no entry of their own.
	AlsoWritten []string
	// Within is the country that a territory's postal addresses may name, with the
	// territory as region; empty otherwise.
	Within Country
	// CallingCode is the country code of ITU-T E.164, without the plus.
	CallingCode string
	// InternationalPrefix is dialed there before the calling code of any country.
	InternationalPrefix string
	// TrunkPrefix is dialed there before a national number, always or as a rule; empty
	// where none is. It has no place behind the calling code, and is often written there.
	TrunkPrefix string
	// National is how people there write a number without the calling code; its group
	// is what stands behind the calling code in E.164.
	National *regexp.Regexp
	// ServiceNumbers are the beginnings, behind the calling code, of numbers that are free
	// to call or dear: no emergency address can be registered for one, and not every
	// telephone of an emergency service may call it.
	ServiceNumbers *regexp.Regexp
	// CallerIDCodes are dialed before a number to withhold or to show the caller ID.
	CallerIDCodes []string
	// Emergency are the numbers that reach a PSAP; the first is what people are
	// told to dial.
	Emergency []string
	// Foreign are those of Emergency that no line there has to know: they count because
	// desktops that were set up elsewhere dial them (S1). The first of Emergency goes out
	// instead.
	Foreign []string
	// Test are the numbers that rehearse it (B13).
	Test []string
	// Source is where the numbers are laid down.
	Source string
	// Reviewed is the day, as YYYY-MM-DD, on which somebody last compared the
	// entry with its source.
	Reviewed string
}

// What North America has in common.
var (
	nanpNational = regexp.MustCompile(`^1?([2-9][0-9]{2}[2-9][0-9]{6})$`)
	// NANPA: 800 and its like are toll-free, 900 is premium-rate.
	nanpServiceNumbers = regexp.MustCompile(`^(8(00|33|44|55|66|77|88)|900)`)
	// 47 CFR 64.1603: *67 withholds the number, *82 shows it. 1167 and 1182 are for
	// dial-pulse telephones; no desktop is one, and they would hide an extension.
	nanpCallerIDCodes = []string{"*67", "*82"}
)

// numberings is the table of countries; an entry is all that one needs to be served.
//
// 911 stands in every entry, because a desktop that was set up for North America
// dials it wherever its user sits (S1). The British and Danish sources do not name
// it, so it is foreign there.
//
// 933 is no public number: some carriers in the United States answer it with a voice
// that reads back the caller's number and address. S1 names it for that country.
var numberings = map[Country]Numbering{
	UnitedStates: {
		Name: "the United States", AlsoWritten: []string{
			"USA", "US of A", "United States", "United States of America", "États-Unis", "États-Unis d’Amérique",
			"Estados Unidos", "Estados Unidos de América", "EE. UU.", "EUA", "De Forenede Stater", "Amerikas Forenede Stater",
		},
		CallingCode: "1", InternationalPrefix: "011", TrunkPrefix: "1", National: nanpNational, ServiceNumbers: nanpServiceNumbers, CallerIDCodes: nanpCallerIDCodes, Emergency: []string{"911"}, Test: []string{"933"},
		Source: "47 CFR 9.4 (carriers transmit 911 calls to a PSAP)", Reviewed: "2026-11-22",
	},
	PuertoRico: {
		Name: "Puerto Rico", AlsoWritten: []string{"PRI", "Porto Rico", "Commonwealth of Puerto Rico", "Estado Libre Asociado de Puerto Rico"}, Within: UnitedStates,
		CallingCode: "1", InternationalPrefix: "011", TrunkPrefix: "1", National: nanpNational, ServiceNumbers: nanpServiceNumbers, CallerIDCodes: nanpCallerIDCodes, Emergency: []string{"911"},
		Source: "47 CFR 9.4, and Puerto Rico's Ley 20-2017, which replaced Ley 144-1994 on the 9-1-1 system", Reviewed: "2026-11-22",
	},
	Canada: {
		Name: "Canada", AlsoWritten: []string{"CAN", "Canadá", "Kanada"},
		CallingCode: "1", InternationalPrefix: "011", TrunkPrefix: "1", National: nanpNational, ServiceNumbers: nanpServiceNumbers, CallerIDCodes: nanpCallerIDCodes, Emergency: []string{"911"},
		Source: "Telecom Decision CRTC 2005-21 (9-1-1 obligations of local VoIP providers)", Reviewed: "2026-11-22",
	},
	UnitedKingdom: {
		Name: "the United Kingdom", AlsoWritten: []string{
			"UK", "GBR", "United Kingdom", "United Kingdom of Great Britain and Northern Ireland", "Great Britain", "Britain",
			"England", "Scotland", "Wales", "Northern Ireland", "Cymru", "Alba", "Storbritannien", "Det Forenede Kongerige",
			"Royaume-Uni", "Grande-Bretagne", "Angleterre", "Reino Unido", "Gran Bretaña", "Inglaterra",
		},
		CallingCode: "44", InternationalPrefix: "00", TrunkPrefix: "0", National: regexp.MustCompile(`^0([1-9][0-9]{8,9})$`), Emergency: []string{"999", "112", "911"}, Foreign: []string{"911"},
		// Ofcom, The National Telephone Numbering Plan: 080 is free, 084, 087 and 09 are dear.
		ServiceNumbers: regexp.MustCompile(`^(80[08]|84[2-5]|87[0-3]|9)`),
		// Oftel, A Consumer's Guide to Calling Line Identification Services (1998): 141
		// withholds the number, 1470 shows it.
		CallerIDCodes: []string{"141", "1470"},
		Source:        "Ofcom General Condition A3.2 (access to emergency organisations on 999 and 112)", Reviewed: "2026-11-22",
	},
	Denmark: {
		Name: "Denmark", AlsoWritten: []string{"DNK", "Danmark", "Kongeriget Danmark", "Kingdom of Denmark", "Danemark", "Dinamarca"},
		CallingCode: "45", InternationalPrefix: "00", National: regexp.MustCompile(`^([1-9][0-9]{7})$`), Emergency: []string{"112", "911"}, Foreign: []string{"911"},
		// The Danish numbering plan: 80 is free, 90 is dear.
		ServiceNumbers: regexp.MustCompile(`^[89]0`),
		// 3GPP TS 22.030 annex B: *31# shows the number, #31# withholds it. Fixed networks
		// that follow it write the former with a star at its end.
		CallerIDCodes: []string{"*31*", "*31#", "#31#"},
		Source:        "Teleloven § 61 (alarm communication to 112), and Directive (EU) 2018/1972 article 109", Reviewed: "2026-11-22",
	},
}

// Numbering is the country's entry, if the country is served.
func (c Country) Numbering() (Numbering, bool) {
	plan, ok := numberings[c]
	return plan, ok
}

// kindOf tells what a short number is in this country.
func (n Numbering) kindOf(number string) (Kind, bool) {
	switch {
	case slices.Contains(n.Emergency, number):
		return KindEmergency, true
	case slices.Contains(n.Test, number):
		return KindTest, true
	}
	return "", false
}
