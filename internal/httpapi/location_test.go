package httpapi

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lifeline/internal/emergency"
)

const locationPath = "/v1/agents/agent-us/location"

// A desktop tells where its agent is, outside any call, and is told what was kept
// (S13). Times are kept and shown in UTC.
func TestReportLocation(t *testing.T) {
	r := newRig(t)
	w := r.do(t, ask{method: http.MethodPut, path: locationPath, as: "agent-us", body: `{"latitude":38.9,"longitude":-77,"accuracy":20,
		"address":{"street":"1 Example Street","unit":"Floor 2","country":"US"},
		"capturedAt":"2026-01-02T04:04:05+01:00","permission":"granted"}`})
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	sameJSON(t, `{"reportedAt":"2026-01-02T03:04:05Z","location":{"latitude":38.9,"longitude":-77,"accuracy":20,
		"address":{"street":"1 Example Street","unit":"Floor 2","country":"US"},
		"capturedAt":"2026-01-02T03:04:05Z","permission":"granted"}}`, read[ReportedLocation](t, w))
	latitude, longitude, accuracy := 38.9, -77.0, 20.0
	want := emergency.Location{
		Latitude: &latitude, Longitude: &longitude, Accuracy: &accuracy,
		Address:    &emergency.Address{Street: "1 Example Street", Unit: "Floor 2", Country: "US"},
		CapturedAt: testTime, Permission: emergency.LocationGranted,
	}
	if diff := cmp.Diff(want, r.records.reported["agent-us"].Location); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// A browser that may not tell has nothing but that to tell (S13), and what is not
// told is not made up.
func TestReportedPermission(t *testing.T) {
	for _, permission := range []string{"granted", "denied", "prompt"} {
		r := newRig(t)
		w := r.do(t, ask{method: http.MethodPut, path: locationPath, as: "agent-us", body: `{"permission":"` + permission + `"}`})
		sameJSON(t, `{"reportedAt":"2026-01-02T03:04:05Z","location":{"permission":"`+permission+`"}}`, read[ReportedLocation](t, w))
	}
}

// A location that cannot be is a problem that names the field: as a body by itself,
// and within a dial.
func TestBadLocations(t *testing.T) {
	for name, test := range map[string]struct{ location, field string }{
		"half a position":      {`{"latitude":1}`, "longitude"},
		"the other half":       {`{"longitude":1}`, "latitude"},
		"off the earth":        {`{"latitude":1,"longitude":180.5}`, "longitude"},
		"another permission":   {`{"permission":"maybe"}`, "permission"},
		"no time":              {`{"capturedAt":"yesterday"}`, "capturedAt"},
		"no such day":          {`{"capturedAt":"2026-02-31T12:00:00Z"}`, "capturedAt"},
		"a day without a time": {`{"capturedAt":"2026-01-31"}`, "capturedAt"},
		"a time without a zone": {
			`{"capturedAt":"2026-01-31T12:00:00"}`, "capturedAt",
		},
		"past the year 9999":  {`{"capturedAt":"9999-12-31T23:59:59-01:00"}`, "capturedAt"},
		"before the year 0":   {`{"capturedAt":"0000-01-01T00:00:00+01:00"}`, "capturedAt"},
		"a number for a time": {`{"capturedAt":1767225600}`, "capturedAt"},
		"something unknown":   {`{"altitude":3}`, "altitude"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			got := r.problem(t, ask{method: http.MethodPut, path: locationPath, as: "agent-us", body: test.location}, http.StatusBadRequest)
			if got.Code != "invalid" || got.Field != test.field || r.changes() > 0 {
				t.Errorf("by itself: problem %+v", got)
			}
			got = r.problem(t, dial(`{"agentId":"agent-us","dialedNumber":"911","location":`+test.location+`}`), http.StatusBadRequest)
			if got.Code != "invalid" || got.Field != "location."+test.field || got.Instead != dialNow || r.changes() > 0 {
				t.Errorf("within a dial: problem %+v", got)
			}
		})
	}
}

// Whenever a location was captured, the answer can be written.
func TestCapturedAtTheEdges(t *testing.T) {
	for _, at := range []string{"0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-01-02T03:04:05-23:59", "0001-01-01T00:00:00Z"} {
		w := newRig(t).do(t, ask{method: http.MethodPut, path: locationPath, as: "agent-us", body: `{"capturedAt":"` + at + `"}`})
		want, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := read[ReportedLocation](t, w).Location.CapturedAt; w.Code != http.StatusOK || !got.Equal(want) {
			t.Errorf("%s: status %d, %s", at, w.Code, got)
		}
	}
}
