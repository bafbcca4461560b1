package engine

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
)

const webUI = "http://127.0.0.1:8233"

// supervisorOnly is the stand-in for httpapi's check: whoever has the token may read.
func supervisorOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") != "Bearer supervisor" {
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	return true
}

func ask(t *testing.T, ring *Keyring, method, path, body string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for name, value := range header {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	CodecHandler(ring, []string{webUI + "/"}, supervisorOnly).ServeHTTP(recorder, request)
	return recorder
}

func bodyOf(t *testing.T, payloads ...*commonpb.Payload) string {
	t.Helper()
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: payloads})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A supervisor's browser on the Web UI's page reads encrypted payloads in clear, and plain ones as they are (B14).
func TestCodecHandlerDecodes(t *testing.T) {
	ring := mustParse(t, key("a", 'a'))
	body := bodyOf(t, encode(t, ring, payload(`"secret"`)), payload(`"plain"`))
	response := ask(t, ring, "POST", "/codec/decode?preserveStorageRefs=true", body,
		map[string]string{"Authorization": "Bearer supervisor", "Origin": webUI, "X-Namespace": "default"})

	if response.Code != http.StatusOK {
		t.Fatalf("status %d", response.Code)
	}
	var got commonpb.Payloads
	if err := protojson.Unmarshal(response.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []*commonpb.Payload{payload(`"secret"`), payload(`"plain"`)}
	if diff := cmp.Diff(want, got.GetPayloads(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	wantHeader := map[string]string{
		"Content-Type": "application/json", "Cache-Control": "no-store", "Vary": "Origin",
		"Access-Control-Allow-Origin": webUI, "Access-Control-Allow-Credentials": "true",
	}
	if diff := cmp.Diff(wantHeader, pick(response, wantHeader)); diff != "" {
		t.Error(diff)
	}
}

func pick(response *httptest.ResponseRecorder, names map[string]string) map[string]string {
	picked := map[string]string{}
	for name := range names {
		picked[name] = response.Header().Get(name)
	}
	return picked
}

// A preflight carries no credentials and is answered without them, for the Web UI's origin alone.
func TestCodecHandlerPreflight(t *testing.T) {
	tests := map[string]struct {
		origin string
		status int
		header map[string]string
	}{
		"the Web UI": {webUI, http.StatusNoContent, map[string]string{
			"Access-Control-Allow-Origin": webUI, "Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Content-Type, X-Namespace, Authorization",
		}},
		"another port":    {"http://127.0.0.1:9999", http.StatusForbidden, map[string]string{"Access-Control-Allow-Origin": ""}},
		"another scheme":  {"https://127.0.0.1:8233", http.StatusForbidden, map[string]string{"Access-Control-Allow-Origin": ""}},
		"a longer origin": {webUI + ".example.org", http.StatusForbidden, map[string]string{"Access-Control-Allow-Origin": ""}},
		"the null origin": {"null", http.StatusForbidden, map[string]string{"Access-Control-Allow-Origin": ""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response := ask(t, mustParse(t, key("a", 'a')), "OPTIONS", "/codec/decode", "",
				map[string]string{"Origin": test.origin, "Access-Control-Request-Method": "POST"})
			if response.Code != test.status {
				t.Errorf("status %d, want %d", response.Code, test.status)
			}
			if diff := cmp.Diff(test.header, pick(response, test.header)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every refusal is a 4xx (the Web UI repeats a 5xx), comes with CORS headers for the Web UI, and gives nothing away.
func TestCodecHandlerRefuses(t *testing.T) {
	ring := mustParse(t, key("a", 'a'))
	good := bodyOf(t, encode(t, ring, payload(`"secret"`)))
	foreign := bodyOf(t, encode(t, mustParse(t, key("gone", 'g')), payload(`"secret"`)))
	supervisor := map[string]string{"Authorization": "Bearer supervisor", "Origin": webUI}
	tests := map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
		says               string
	}{
		"no token":            {"POST", "/codec/decode", good, map[string]string{"Origin": webUI}, http.StatusUnauthorized, ""},
		"no token, no origin": {"POST", "/codec/decode", good, nil, http.StatusUnauthorized, ""},
		"encoding":            {"POST", "/codec/encode", good, supervisor, http.StatusNotFound, "not-found"},
		"reading":             {"GET", "/codec/decode", "", supervisor, http.StatusMethodNotAllowed, "method-not-allowed"},
		"a foreign page": {
			"POST", "/codec/decode", good,
			map[string]string{"Authorization": "Bearer supervisor", "Origin": "http://127.0.0.1:9999"},
			http.StatusForbidden, "foreign-origin",
		},
		"no JSON":         {"POST", "/codec/decode", "payloads", supervisor, http.StatusBadRequest, "malformed-body"},
		"another shape":   {"POST", "/codec/decode", `{"payloads": "x"}`, supervisor, http.StatusBadRequest, "malformed-body"},
		"too long":        {"POST", "/codec/decode", strings.Repeat(" ", maxCodecBody+1), supervisor, http.StatusRequestEntityTooLarge, "body-too-large"},
		"a key that went": {"POST", "/codec/decode", foreign, supervisor, http.StatusUnprocessableEntity, `\"gone\"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			response := ask(t, ring, test.method, test.path, test.body, test.header)
			if response.Code != test.status {
				t.Errorf("status %d, want %d", response.Code, test.status)
			}
			body := response.Body.String()
			if !strings.Contains(body, test.says) || strings.Contains(body, "secret") {
				t.Errorf("body %q, want it to say %q and no more", body, test.says)
			}
			// A refusal before the origin was looked at has no CORS headers; only a wrong path is.
			if origin := test.header["Origin"]; origin == webUI && test.status != http.StatusNotFound && response.Header().Get("Access-Control-Allow-Origin") != webUI {
				t.Error("the Web UI cannot read this refusal")
			}
		})
	}
}

// A refusal names the request as the service around does, so that its log can be asked.
func TestCodecHandlerNamesTheRequest(t *testing.T) {
	response := httptest.NewRecorder()
	response.Header().Set("X-Request-Id", "0123456789abcdef")
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/codec/encode", nil)
	CodecHandler(mustParse(t, key("a", 'a')), nil, nil).ServeHTTP(response, request)
	if !strings.Contains(response.Body.String(), `"requestId":"0123456789abcdef"`) {
		t.Errorf("body %q", response.Body)
	}
}
