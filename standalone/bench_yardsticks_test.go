package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// bareWorkflow is what a straightforward design would have on the dial path, with
// everything left out that could be: it is started with an update that is answered
// at once, and has no activities. Its payloads are not even encrypted.
type bareWorkflow struct {
	temporal client.Client
	serial   atomic.Int64
	stop     func()
}

const (
	bareName   = "Bare"
	bareUpdate = "answer"
)

func startBare(b *testing.B, temporal client.Client) *bareWorkflow {
	b.Helper()
	w := worker.New(temporal, bareName, worker.Options{})
	w.RegisterWorkflowWithOptions(runBare, workflow.RegisterOptions{Name: bareName})
	if err := w.Start(); err != nil {
		b.Fatal(err)
	}
	return &bareWorkflow{temporal: temporal, stop: w.Stop}
}

func runBare(ctx workflow.Context) error {
	answered := false
	err := workflow.SetUpdateHandler(ctx, bareUpdate, func(workflow.Context) (string, error) {
		answered = true
		return demoPlaces[0].numbers[0], nil
	})
	return errors.Join(err, workflow.Await(ctx, func() bool { return answered }))
}

// updateWithStart tells how long it took to have the answer of one more.
func (bare *bareWorkflow) updateWithStart(ctx context.Context) (time.Duration, error) {
	start := bare.temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: fmt.Sprintf("bare/%d", bare.serial.Add(1)), TaskQueue: bareName,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, bareName)
	sent := time.Now()
	update, err := bare.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions:          client.UpdateWorkflowOptions{UpdateName: bareUpdate, WaitForStage: client.WorkflowUpdateStageCompleted},
	})
	if err != nil {
		return 0, fmt.Errorf("update with start: %w", err)
	}
	var answer string
	err = update.Get(ctx, &answer)
	return time.Since(sent), err
}

// commitServer is the floor: whatever keeps a dial durably before it answers needs
// one round trip and one commit.
type commitServer struct {
	url  string
	http *http.Client
}

// startFloor keeps its rows on the same disk, in a file of its own that is opened as
// the store opens Lifeline's.
func startFloor(b *testing.B, dir string) *commitServer {
	b.Helper()
	path := (&url.URL{Path: filepath.Join(dir, "floor.db")}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() }) // its directory goes too
	db.SetMaxOpenConns(1)
	if _, err = db.ExecContext(b.Context(), `CREATE TABLE dials (id INTEGER PRIMARY KEY, agent TEXT NOT NULL, dialed TEXT NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var dial struct{ AgentID, DialedNumber string }
		err := json.NewDecoder(r.Body).Decode(&dial)
		if err == nil {
			_, err = db.ExecContext(r.Context(), `INSERT INTO dials (agent, dialed) VALUES ($1, $2)`, dial.AgentID, dial.DialedNumber)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"callbackNumber":%q}`, demoPlaces[0].numbers[0])
	}))
	b.Cleanup(server.Close)
	return &commitServer{url: server.URL, http: keepAlive(b)}
}

// commit tells how long one round trip took.
func (c *commitServer) commit(ctx context.Context) (time.Duration, error) {
	sent, answered, _, err := post(ctx, c.http, c.url, `{"agentId":"agent-0000","dialedNumber":"911"}`)
	return answered.Sub(sent), err
}
