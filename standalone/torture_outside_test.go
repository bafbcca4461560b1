package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// mood is how an outside service treats who asks it.
type mood string

const (
	// moodHang takes a request and says nothing.
	moodHang mood = "hang"
	// moodFail answers that it cannot.
	moodFail mood = "fail"
	// moodReset breaks the connection.
	moodReset mood = "reset"
	// moodLose does what it is asked and breaks the connection before it says so.
	moodLose mood = "lose"
)

var moods = []mood{moodHang, moodFail, moodReset, moodLose}

// outside is a service on the network that is not Lifeline's, with its moods.
type outside struct {
	server *httptest.Server

	mu    sync.Mutex
	moods map[mood]int
	// hung is closed when nothing hangs any more.
	hung chan struct{}
}

func newOutside(t *testing.T, serve http.HandlerFunc) *outside {
	t.Helper()
	o := &outside{moods: map[mood]int{}, hung: make(chan struct{})}
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.meet(w, r, serve) }))
	t.Cleanup(o.server.Close)
	return o
}

// meet treats one request as the mood is.
func (o *outside) meet(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	o.mu.Lock()
	moods, hung := maps.Clone(o.moods), o.hung
	o.mu.Unlock()
	switch {
	case moods[moodHang] > 0:
		select {
		case <-hung:
		case <-r.Context().Done():
		}
		breakOff(w)
	case moods[moodReset] > 0:
		breakOff(w)
	case moods[moodFail] > 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	case moods[moodLose] > 0:
		serve(httptest.NewRecorder(), r)
		breakOff(w)
	default:
		serve(w, r)
	}
}

func breakOff(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		reset(tcp)
	}
}

func (o *outside) begin(m mood) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moods[m]++
}

func (o *outside) end(m mood) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.moods[m]--; m == moodHang && o.moods[m] == 0 {
		close(o.hung)
		o.hung = make(chan struct{})
	}
}

// outsidePresence is told what agents show. It keeps the highest revision, as the
// contract of the webhook has it.
type outsidePresence struct {
	*outside

	shown map[string]wirePresence
	// told counts the messages it took, repeated those that it knew or that came too late.
	told, repeated int
}

type wirePresence struct {
	Status   string `json:"status"`
	Revision int64  `json:"revision"`
}

const presenceToken = "torture-presence"

func newOutsidePresence(t *testing.T) *outsidePresence {
	t.Helper()
	s := &outsidePresence{shown: map[string]wirePresence{}}
	s.outside = newOutside(t, s.serve)
	return s
}

func (s *outsidePresence) serve(w http.ResponseWriter, r *http.Request) {
	agent := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/agents/"), "/presence")
	var p wirePresence
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil || r.Method != http.MethodPut || r.Header.Get("Authorization") != "Bearer "+presenceToken {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Revision <= s.shown[agent].Revision {
		s.repeated++
		w.WriteHeader(http.StatusConflict)
		return
	}
	s.shown[agent] = p
	s.told++
}

// of is what the system shows of an agent.
func (s *outsidePresence) of(agent string) wirePresence {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown[agent]
}

// notice names one message to one person: the call, the event with its round, and the
// address.
type notice struct {
	callID, occasion, to string
}

// mailProvider is a stand-in for SendGrid that counts what it takes.
type mailProvider struct {
	*outside

	taken map[notice]int
}

func newMailProvider(t *testing.T) *mailProvider {
	t.Helper()
	p := &mailProvider{taken: map[notice]int{}}
	p.outside = newOutside(t, p.serve)
	return p
}

func (p *mailProvider) serve(w http.ResponseWriter, r *http.Request) {
	var letter struct {
		Personalizations []struct {
			To []struct {
				Email string `json:"email"`
			} `json:"to"`
		} `json:"personalizations"`
		CustomArgs struct {
			Call   string `json:"lifeline_call"`
			Notice string `json:"lifeline_notice"`
		} `json:"custom_args"`
	}
	if err := json.NewDecoder(r.Body).Decode(&letter); err != nil || r.URL.Path != "/v3/mail/send" ||
		len(letter.Personalizations) != 1 || len(letter.Personalizations[0].To) != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	occasion := strings.ReplaceAll(strings.TrimPrefix(letter.CustomArgs.Notice, letter.CustomArgs.Call+"/"), "/", "-")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken[notice{letter.CustomArgs.Call, occasion, letter.Personalizations[0].To[0].Email}]++
	w.Header().Set("X-Message-Id", fmt.Sprintf("torture-%d", len(p.taken)))
	w.WriteHeader(http.StatusAccepted)
}

// all are the messages taken, each with how often.
func (p *mailProvider) all() map[notice]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.taken)
}
