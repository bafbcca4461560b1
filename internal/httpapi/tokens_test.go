package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Tokens are role[/agentId]:token, separated by commas, with spaces and a last
// comma as people leave them.
func TestParseTokens(t *testing.T) {
	tokens, err := ParseTokens(" agent/a.b-1:aaaaaaaaaaaaaaaa ,supervisor:bbbbbbbbbbbbbbbb==,\n,")
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]Identity{
		"aaaaaaaaaaaaaaaa":   {Role: RoleAgent, AgentID: "a.b-1"},
		"bbbbbbbbbbbbbbbb==": {Role: RoleSupervisor},
	} {
		h := tokens.find(token)
		if h == nil {
			t.Fatalf("%s is not found", want)
		}
		if diff := cmp.Diff(want, h.identity); diff != "" {
			t.Errorf("identity (-want +got):\n%s", diff)
		}
	}
	for _, token := range []string{"", "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaab", "bbbbbbbbbbbbbbbb"} {
		if tokens.find(token) != nil {
			t.Errorf("%q is found", token)
		}
	}
	if none, err := ParseTokens(""); err != nil || none.find("") != nil {
		t.Errorf("an empty list: %v", err)
	}
}

// What is wrong with an entry is told by its place. Nothing of it is shown, since
// any part of a mistyped entry may be the secret.
func TestParseTokensErrors(t *testing.T) {
	const good = "admin:cccccccccccccccc,"
	for entry, want := range map[string]string{
		"s3cretandnothingelse":             "role:token",
		"s3cret:dddddddddddddddd":          "must begin with",
		"agent:s3cretdddddddddd":           "must name the agent",
		"agent/:s3cretdddddddddd":          "must name the agent",
		"carrier/s3cret:dddddddddddddddd":  "must not name an agent",
		"carrier:s3cret":                   "at least 16",
		"carrier:s3cret ddddddddddddddddd": "at least 16",
		"carrier:cccccccccccccccc":         "repeats",
	} {
		_, err := ParseTokens(good + entry)
		if err == nil || !strings.Contains(err.Error(), "entry 2") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", entry, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "cccc")) {
			t.Errorf("the error shows the entry: %v", err)
		}
	}
}

// A session reads and changes nothing; a bad header is not saved by a good
// cookie; a session that is over, forged, or of a token withdrawn is none.
func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		session := r.tokens.find(testTokens["supervisor"]).session(time.Now().Add(sessionLife))
		get := func(cookie string) ask {
			return ask{method: http.MethodGet, path: dialPath, headers: map[string]string{"Cookie": sessionCookie + "=" + cookie}}
		}
		wantStatus := func(what string, a ask, want int) {
			t.Helper()
			if w := r.do(t, a); w.Code != want {
				t.Errorf("%s: status %d, want %d: %s", what, w.Code, want, w.Body)
			}
		}
		wantStatus("a session", get(session), http.StatusOK)
		agent := r.tokens.find(testTokens["agent-us"]).session(time.Now().Add(sessionLife))
		post := get(agent)
		post.method, post.body = http.MethodPost, goodDial
		wantStatus("a dial with a session alone", post, http.StatusUnauthorized)
		if len(r.calls.dials) > 0 {
			t.Error("a session has dialed")
		}
		both := get(session)
		both.headers["Authorization"] = "Bearer nobody-has-this-token"
		wantStatus("a bad token and a good session", both, http.StatusUnauthorized)
		wantStatus("no session", get(""), http.StatusUnauthorized)
		claim, mac := cutLast(session, ".")
		id, _, _ := strings.Cut(claim, ".")
		wantStatus("a longer life", get(id+".99999999999."+mac), http.StatusUnauthorized)
		wantStatus("no signature", get(claim), http.StatusUnauthorized)
		wantStatus("an empty signature", get(claim+"."), http.StatusUnauthorized)
		time.Sleep(sessionLife - time.Second)
		wantStatus("a session to its end", get(session), http.StatusOK)
		time.Sleep(time.Second)
		wantStatus("a session that is over", get(session), http.StatusUnauthorized)

		other, err := ParseTokens("supervisor:another-token-of-the-role")
		if err != nil {
			t.Fatal(err)
		}
		fresh := r.tokens.find(testTokens["supervisor"]).session(time.Now().Add(sessionLife))
		if other.findSession(fresh, time.Now()) != nil {
			t.Error("a session outlives its token")
		}
	})
}

// The codec endpoint shows clear text to supervisors alone, with a token or a
// session, and answers a preflight that carries neither.
func TestCodecAccess(t *testing.T) {
	r := newRig(t, withCodec)
	session := func(holder string) map[string]string {
		return map[string]string{"Cookie": sessionCookie + "=" + r.tokens.find(testTokens[holder]).session(time.Now().Add(time.Hour))}
	}
	tests := map[string]struct {
		ask  ask
		want int
	}{
		"token":             {ask{method: http.MethodPost, as: "supervisor"}, http.StatusOK},
		"session":           {ask{method: http.MethodPost, headers: session("supervisor")}, http.StatusOK},
		"preflight":         {ask{method: http.MethodOptions}, http.StatusOK},
		"nobody":            {ask{method: http.MethodPost}, http.StatusUnauthorized},
		"an admin":          {ask{method: http.MethodPost, as: "admin"}, http.StatusForbidden},
		"an admin's cookie": {ask{method: http.MethodPost, headers: session("admin")}, http.StatusForbidden},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := test.ask
			a.path = "/codec/decode"
			w := r.do(t, a)
			if w.Code != test.want || (w.Code == http.StatusOK) != (w.Body.String() == "clear") {
				t.Errorf("status %d, want %d: %s", w.Code, test.want, w.Body)
			}
			if w.Code != http.StatusOK && read[Problem](t, w).RequestID != w.Header().Get("X-Request-Id") {
				t.Error("the refusal is no problem of this service")
			}
		})
	}
	if w := newRig(t).do(t, ask{method: http.MethodPost, path: "/codec/decode", as: "supervisor"}); w.Code != http.StatusNotFound {
		t.Errorf("without a codec: status %d", w.Code)
	}
}

// A codec that refuses can name the request: it has its ID before it is asked.
func TestCodecKnowsTheRequest(t *testing.T) {
	var known string
	r := newRig(t, func(o *Options) {
		o.Codec = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { known = w.Header().Get("X-Request-Id") })
	})
	w := r.do(t, ask{method: http.MethodPost, path: "/codec/decode"})
	if known == "" || known != w.Header().Get("X-Request-Id") {
		t.Errorf("the codec knows %q, the answer is %q", known, w.Header().Get("X-Request-Id"))
	}
}

// The login page turns a token into a cookie that scripts cannot read and other
// sites cannot use, says who has come in, and leads on to known places alone.
func TestLogin(t *testing.T) {
	r := newRig(t, func(o *Options) { o.LoginNext = []string{"http://127.0.0.1:8233/"} })
	logIn := func(body string) *httptest.ResponseRecorder {
		return r.do(t, ask{method: http.MethodPost, path: "/login", body: body})
	}
	w := logIn(`{"token":" ` + testTokens["agent-us"] + `\n"}`)
	if diff := cmp.Diff(login{Role: RoleAgent, AgentID: "agent-us"}, read[login](t, w)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	cookie := w.Result().Cookies()[0]
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.MaxAge != 12*3600 {
		t.Errorf("cookie %+v", cookie)
	}
	if strings.Contains(cookie.Value, testTokens["agent-us"]) {
		t.Error("the cookie holds the token")
	}
	page := r.do(t, ask{method: http.MethodGet, path: "/login", headers: map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}})
	if !strings.Contains(page.Body.String(), "Logged in as agent agent-us.") {
		t.Errorf("page: %s", page.Body)
	}

	for body, status := range map[string]int{
		`{"token":"nobody-has-this-token"}`:      http.StatusUnauthorized,
		`{}`:                                     http.StatusUnauthorized,
		`{"token":7}`:                            http.StatusBadRequest,
		`[]`:                                     http.StatusBadRequest,
		`{`:                                      http.StatusBadRequest,
		`"` + strings.Repeat("x", maxBody) + `"`: http.StatusRequestEntityTooLarge,
	} {
		if w := logIn(body); w.Code != status || len(w.Result().Cookies()) > 0 {
			t.Errorf("%.40s: status %d, want %d", body, w.Code, status)
		}
	}
	form := ask{method: http.MethodPost, path: "/login", body: "token=x", headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
	if w := r.do(t, form); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a form of another site: status %d", w.Code)
	}
}

// A login link leads to this service's own pages and the origins allowed, and
// nowhere else, however it is written.
func TestLoginNext(t *testing.T) {
	r := newRig(t, func(o *Options) { o.LoginNext = []string{"http://127.0.0.1:8233/"} })
	for next, allowed := range map[string]bool{
		"/console?x=1#y":                         true,
		"http://127.0.0.1:8233":                  true,
		"http://127.0.0.1:8233/namespaces/x?a=b": true,
		"":                                       false,
		"console":                                false,
		"//evil.example":                         false,
		"///evil.example":                        false,
		"/\\evil.example":                        false,
		"/\t/evil.example":                       false,
		"https://127.0.0.1:8233/":                false,
		"http://127.0.0.1:8234/":                 false,
		"http://127.0.0.1:8233@evil.example/":    false,
		"http://a@127.0.0.1:8233/":               false,
		"http://127.0.0.1:8233.evil.example/":    false,
		"javascript:alert(1)":                    false,
		"data:text/html,x":                       false,
	} {
		body := `{"token":"` + testTokens["supervisor"] + `","next":` + quote(t, next) + `}`
		got := read[login](t, r.do(t, ask{method: http.MethodPost, path: "/login", body: body})).Next
		if allowed && got != next || !allowed && got != "" {
			t.Errorf("next %q leads to %q", next, got)
		}
	}
}

// The cookie demands TLS everywhere but on this very machine.
func TestCookieDemandsTLS(t *testing.T) {
	for host, secure := range map[string]bool{
		"127.0.0.1:8080": false, "localhost:8080": false, "localhost": false, "[::1]:8080": false, "[::1]": false,
		"lifeline.example": true, "10.0.0.1:8080": true, "localhost.example": true,
	} {
		request := ask{method: http.MethodPost, path: "/login", body: `{"token":"` + testTokens["admin"] + `"}`}.request(t.Context())
		request.Host = host
		w := httptest.NewRecorder()
		newRig(t).ServeHTTP(w, request)
		if got := w.Result().Cookies()[0].Secure; got != secure {
			t.Errorf("%s: Secure %v", host, got)
		}
	}
}

// The page carries its own policy, and its script and style are served beside it.
func TestLoginPage(t *testing.T) {
	r := newRig(t)
	w := r.do(t, ask{method: http.MethodGet, path: "/login"})
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Not logged in.") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": loginPolicy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for path, media := range map[string]string{"/login/login.js": "text/javascript", "/login/login.css": "text/css"} {
		w := r.do(t, ask{method: http.MethodGet, path: path})
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), media) {
			t.Errorf("%s: status %d, Content-Type %q", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
}
