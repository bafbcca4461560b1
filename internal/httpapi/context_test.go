package httpapi

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"lifeline/internal/emergency"
)

// lingering is a database whose driver looks at a query's context in a goroutine of
// its own, which may run late.
type lingering struct {
	*fakeRecords

	mu sync.Mutex
	// seen are the contexts of the queries.
	seen  []context.Context
	looks sync.WaitGroup
}

func (l *lingering) Call(ctx context.Context, id emergency.CallID) (emergency.Call, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, ctx)
	l.looks.Go(func() { _ = ctx.Done() })
	return l.fakeRecords.Call(ctx, id)
}

// What a query was asked with belongs to its own request for good, however many
// requests are answered afterwards.
func TestContextStaysItsRequests(t *testing.T) {
	records := &lingering{fakeRecords: newFakeRecords()}
	r := newRig(t, func(o *Options) { o.Records, o.Calls = records, newFakeCalls(records) })
	var asked []string
	for range 20 {
		w := r.do(t, ask{method: http.MethodGet, path: "/v1/emergency-calls/call-agent-us", as: "supervisor"})
		asked = append(asked, w.Header().Get("X-Request-Id"))
	}
	records.looks.Wait()
	for i, ctx := range records.seen {
		if got := visitOf(ctx).id; got != asked[i] {
			t.Errorf("the context of request %s is that of %s now", asked[i], got)
		}
	}
}
