package emergency_test

import (
	"slices"
	"testing"

	"lifeline/internal/emergency"

	"github.com/google/go-cmp/cmp"
)

var (
	everywhere    = []emergency.Country{emergency.UnitedStates, emergency.PuertoRico, emergency.Canada, emergency.UnitedKingdom, emergency.Denmark}
	northAmerica  = everywhere[:3]
	europe        = everywhere[3:]
	unitedStates  = everywhere[:1]
	unitedKingdom = everywhere[3:4]
)

// Five countries and territories are served, by their own codes (S1).
func TestServed(t *testing.T) {
	for _, country := range everywhere {
		if !country.Served() {
			t.Errorf("%s is not served", country)
		}
	}
	for _, country := range []emergency.Country{"", "us", "DE", "UK", emergency.UnknownCountry} {
		if country.Served() {
			t.Errorf("%q is served", country)
		}
	}
	want := slices.Sorted(slices.Values(everywhere))
	if diff := cmp.Diff(want, emergency.Countries()); diff != "" {
		t.Error(diff)
	}
}

// The country is the one of the location conveyed, else the site's; and nobody
// fails to hear of it when the two disagree (S1, S13).
func TestLocate(t *testing.T) {
	at := func(country, region string) *emergency.Location {
		return &emergency.Location{Address: &emergency.Address{Country: country, Region: region}}
	}
	for _, c := range []struct {
		name     string
		site     emergency.Country
		device   *emergency.Location
		want     emergency.Country
		disagree bool
	}{
		// Without a country on the device's side there is nothing to disagree on.
		{"no location", "GB", nil, "GB", false},
		{"coordinates alone", "GB", &emergency.Location{}, "GB", false},
		{"an address without country", "GB", at("", "DK"), "GB", false},
		{"a blank country", "GB", at(" ", ""), "GB", false},
		// The device knows better than the directory where somebody is today.
		{"the same", "GB", at("GB", ""), "GB", false},
		{"another", "GB", at("DK", ""), "DK", true},
		// One that is not served counts all the same: no help would come from elsewhere.
		{"one not served", "GB", at("DE", "Berlin"), "DE", true},
		{"a part of the realm with its own code", "DK", at("GL", ""), "GL", true},
		// Desktops write names, other codes, and any case of letters.
		{"small letters", "GB", at(" dk ", ""), "DK", true},
		{"the customary code", "GB", at("UK", ""), "GB", false},
		{"a name", "GB", at("United Kingdom", ""), "GB", false},
		{"a part of it", "GB", at("scotland", ""), "GB", false},
		{"three letters", "CA", at("CAN", ""), "CA", false},
		{"dots", "GB", at("U.K.", ""), "GB", false},
		{"dots and spaces", "US", at("U. S. A.", ""), "US", false},
		{"two letters with dots", "GB", at("U.S.", ""), "US", true},
		{"a long name", "US", at("The United States of  America", ""), "US", false},
		{"the official name", "GB", at("United Kingdom of Great Britain and Northern Ireland", ""), "GB", false},
		{"an island", "GB", at("Great Britain", ""), "GB", false},
		{"another part", "GB", at("ENGLAND", ""), "GB", false},
		{"French", "CA", at("États-Unis d'Amérique", ""), "US", true},
		{"French without accents", "CA", at("Etats Unis", ""), "US", true},
		{"Spanish", "PR", at("EE.UU.", ""), "US", true},
		{"Spanish, with the territory", "PR", at("Estados Unidos", "Puerto Rico"), "PR", false},
		{"the territory's own name", "US", at("Estado Libre Asociado de Puerto Rico", ""), "PR", true},
		{"Danish", "DK", at("Storbritannien", ""), "GB", true},
		{"its own language", "DK", at("DANMARK", "Hovedstaden"), "DK", false},
		// Puerto Rico has a code, and its postal addresses name the United States.
		{"the territory", "PR", at("PR", ""), "PR", false},
		{"the territory as a region", "PR", at("US", "PR"), "PR", false},
		{"the territory as a region in words", "PR", at("United States", "Puerto Rico"), "PR", false},
		{"another region", "PR", at("USA", "NY"), "US", true},
		{"a region by the same letters elsewhere", "CA", at("CA", "PR"), "CA", false},
		// Words that say nothing to us are no reason to refuse help, and are told.
		{"words", "GB", at("somewhere", ""), "GB", true},
		// Of countries that are not served the codes are known, and the names are words.
		{"a name of one not served", "GB", at("Germany", ""), "GB", true},
		{"a name in another language", "GB", at("Deutschland", ""), "GB", true},
		{"three letters of one not served", "GB", at("DEU", ""), "GB", true},
		{"a name that is longer", "GB", at("New England", ""), "GB", true},
		{"a name in another script", "GB", at("Велика Британія UK", ""), "GB", true},
		{"not applicable", "GB", at("n/a", ""), "GB", true},
		{"no letters", "GB", at("4a", ""), "GB", true},
		{"the code of no country", "GB", at("ZZ", ""), "GB", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := emergency.Locate(c.site, c.device)
			if got.Country() != c.want || got.Disagree() != c.disagree {
				t.Errorf("the country is %s, disagreement %v; want %s, %v", got.Country(), got.Disagree(), c.want, c.disagree)
			}
		})
	}
}
