package emergency_test

import (
	"encoding/json"
	"testing"
	"time"

	"lifeline/internal/emergency"

	"pgregory.net/rapid"
)

// noon is when the calls of these tests are dialed.
var noon = time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC)

// agreed are the terms that the product promises: 60 minutes (S3), 30 minutes (B1).
var agreed = emergency.Terms{
	Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 24 * time.Hour,
}

// after is a moment some minutes after the dial.
func after(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// The window is the later of dial + lease and last end + grace (B1).
func TestWindowEnd(t *testing.T) {
	never := time.Time{}
	for _, c := range []struct {
		name  string
		ended time.Time
		want  time.Time
	}{
		// The number stays for 60 minutes after the dial (S3).
		{"no leg has ended", never, after(60)},
		// A short call does not shorten the 60 minutes (S3).
		{"dropped at once", after(0), after(60)},
		{"ended after 10 minutes", after(10), after(60)},
		// The two rules meet here.
		{"ended after 30 minutes", after(30), after(60)},
		{"ended after 31 minutes", after(31), after(61)},
		// A 59-minute call leaves 30 minutes, not one (B1).
		{"ended after 59 minutes", after(59), after(89)},
		// A call longer than the lease still leaves 30 minutes (B1).
		{"ended after 3 hours", after(180), after(210)},
		// A clock that went backwards does not shorten the promise.
		{"ended before it was dialed", after(-120), after(60)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := agreed.WindowEnd(noon, c.ended); !got.Equal(c.want) {
				t.Errorf("the window ends at %v, want %v", got, c.want)
			}
		})
	}
}

func duration(most time.Duration) *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, "duration"))
	})
}

// Whatever the terms: the window keeps both promises, breaks neither, and is no
// longer than the later of them (B1).
func TestWindowKeepsBothPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := emergency.Terms{
			Lease: duration(3*time.Hour).Draw(t, "lease"),
			Grace: duration(3*time.Hour).Draw(t, "grace"),
		}
		ended := noon.Add(duration(6*time.Hour).Draw(t, "length"))
		byLease, byGrace := noon.Add(terms.Lease), ended.Add(terms.Grace)
		end := terms.WindowEnd(noon, ended)
		if end.Before(byLease) || end.Before(byGrace) {
			t.Fatalf("the window ends at %v, before %v or %v", end, byLease, byGrace)
		}
		if !end.Equal(byLease) && !end.Equal(byGrace) {
			t.Fatalf("the window ends at %v, which is neither %v nor %v", end, byLease, byGrace)
		}
		if later := terms.WindowEnd(noon, ended.Add(time.Minute)); later.Before(end) {
			t.Fatalf("a later end of the call makes the window shorter: %v, then %v", end, later)
		}
	})
}

// Terms are written so that a supervisor can read them, and read back unchanged.
func TestTermsAsText(t *testing.T) {
	terms := emergency.Terms{Lease: time.Hour, Grace: 30 * time.Minute, MaxCall: 4 * time.Hour, Quarantine: 90 * time.Second}
	text, err := json.Marshal(terms)
	if err != nil {
		t.Fatal(err)
	}
	if want := `"lease=1h0m0s grace=30m0s maxCall=4h0m0s quarantine=1m30s"`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var back emergency.Terms
	if err := json.Unmarshal(text, &back); err != nil || back != terms {
		t.Errorf("got %+v, %v; want %+v", back, err, terms)
	}
	if err := json.Unmarshal([]byte(`"lease=1h"`), &back); err == nil {
		t.Error("half of the terms were taken for all of them")
	}
}
