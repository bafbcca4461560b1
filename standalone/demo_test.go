package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"

	"github.com/google/go-cmp/cmp"
)

// demo is an empty database and its directory.
func demo(t *testing.T) (*store.Store, string) {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(filepath.Join(dir, "lifeline.db"), time.Now)
	if err == nil {
		err = db.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := seedDemo(t.Context(), db, dir); err != nil {
		t.Fatal(err)
	}
	return db, dir
}

// Every demo agent may call for help at once, and make a test call, by a direct offer
// of the own country; all that is missing is what a desktop would tell: where it is
// (S12 to S16, B13).
func TestDemoAgentsCanCall(t *testing.T) {
	t.Parallel()
	db, _ := demo(t)
	callers, err := db.Callers(t.Context())
	if err != nil || len(callers) != len(demoPlaces) {
		t.Fatalf("%d callers, %v", len(callers), err)
	}
	for _, caller := range callers {
		for _, dialed := range []emergency.Dialed{{}, {Number: "urn:service:test.sos", Kind: emergency.KindTest, Country: caller.Site.Country}} {
			got := emergency.Attempt{Caller: caller, Dialed: dialed, At: time.Now(), LocationMaxAge: time.Hour}.Assess()
			if diff := cmp.Diff([]emergency.CheckCode{emergency.CheckLocationUnknown}, got.Warnings()); diff != "" || len(got.Failed()) > 0 {
				t.Errorf("%s: %v fail; warnings (-want +got)\n%s", caller.Agent.ID, got.Failed(), diff)
			}
			if diff := cmp.Diff([]emergency.Hop{{Path: emergency.DirectOffer}}, got.Way); diff != "" {
				t.Errorf("%s: the way (-want +got)\n%s", caller.Agent.ID, diff)
			}
		}
		if to := caller.Recipients(emergency.KindTest); len(to) != 1 || to[0] != demoTestRecipients {
			t.Errorf("%s: tests are told to %v", caller.Agent.ID, to)
		}
	}
}

// A notice tells the time that the clock on the wall shows at the demo site, also in the
// half of the year in which that is another (S9).
func TestDemoSitesTellTheirOwnTime(t *testing.T) {
	t.Parallel()
	db, _ := demo(t)
	sites, err := db.Sites(t.Context())
	if err != nil || len(sites) != len(demoPlaces) {
		t.Fatalf("%d sites, %v", len(sites), err)
	}
	offsets := map[emergency.SiteID][2]int{ // in hours from UTC, in January and in July
		"site-us": {-5, -4}, "site-pr": {-4, -4}, "site-ca": {-5, -4}, "site-gb": {0, 1}, "site-dk": {1, 2},
	}
	for _, site := range sites {
		zone, err := time.LoadLocation(site.TimeZone)
		if err != nil || site.TimeZone == "" {
			t.Errorf("%s has the time zone %q, %v", site.ID, site.TimeZone, err)
			continue
		}
		var got [2]int
		for i, month := range []time.Month{time.January, time.July} {
			_, seconds := time.Date(2026, month, 1, 12, 0, 0, 0, time.UTC).In(zone).Zone()
			got[i] = seconds / 3600
		}
		if got != offsets[site.ID] {
			t.Errorf("%s is %v hours from UTC in January and July, want %v", site.ID, got, offsets[site.ID])
		}
	}
}

// A start that ended halfway is made up for by the next, and what an administrator has
// changed since stays changed.
func TestDemoIsAddedOnce(t *testing.T) {
	t.Parallel()
	db, dir := demo(t)
	again := func(before func()) emergency.VoiceRouting {
		t.Helper()
		before()
		if err := seedDemo(t.Context(), db, dir); err != nil {
			t.Fatal(err)
		}
		routing, err := db.VoiceRouting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return routing
	}
	first := again(func() {})
	if diff := cmp.Diff(first, again(func() {
		if err := os.Remove(filepath.Join(dir, demoMarker)); err != nil {
			t.Fatal(err)
		}
	})); diff != "" {
		t.Errorf("the voice routing after a start halfway (-want +got)\n%s", diff)
	}
	if got := again(func() {
		if _, err := db.PutVoiceRouting(t.Context(), emergency.VoiceRouting{}, emergency.Change{}); err != nil {
			t.Fatal(err)
		}
	}); len(got.DirectOffers) > 0 {
		t.Errorf("%d direct offers are back", len(got.DirectOffers))
	}
}
