//nolint:wrapcheck // every error goes to fail, which tells the domain's apart and hides the others
package httpapi

import (
	"context"
	"time"

	"lifeline/internal/emergency"
)

// GetAgentReadiness tells whether an agent could make an emergency call now. It asks
// the rules of the dial itself, so that it promises nothing that a dial refuses.
func (s *server) GetAgentReadiness(ctx context.Context, r GetAgentReadinessRequestObject) (GetAgentReadinessResponseObject, error) {
	caller, err := s.Records.Caller(ctx, emergency.AgentID(r.AgentID))
	if err != nil {
		return nil, err
	}
	return GetAgentReadiness200JSONResponse(readinessView(s.assess(caller, time.Now()))), nil
}

// GetReadinessBoard shows who could not make a call now, and why, and how long the
// callback numbers last (B5, B12).
func (s *server) GetReadinessBoard(ctx context.Context, _ GetReadinessBoardRequestObject) (GetReadinessBoardResponseObject, error) {
	callers, err := s.Records.Callers(ctx)
	if err != nil {
		return nil, err
	}
	pools, err := s.Records.Pools(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	board := ReadinessBoard{Agents: []AgentReadiness{}, Pools: []Pool{}}
	assessed := make([]emergency.Assessment, 0, len(callers))
	for _, caller := range callers {
		assessed = append(assessed, s.assess(caller, now))
	}
	emergency.WorstFirst(assessed)
	for _, assessment := range assessed {
		board.add(assessment)
	}
	for _, pool := range pools {
		board.Pools = append(board.Pools, s.poolView(pool, now))
	}
	return GetReadinessBoard200JSONResponse(board), nil
}

func (s *server) assess(caller emergency.Caller, now time.Time) emergency.Assessment {
	return emergency.Attempt{Caller: caller, At: now, LocationMaxAge: s.LocationMaxAge}.Assess()
}

// add counts an agent, and lists those with something to be mended.
func (b *ReadinessBoard) add(assessment emergency.Assessment) {
	switch assessment.Readiness() {
	case emergency.Ready:
		b.Ready++
		return
	case emergency.ReadyWithWarnings:
		b.Warning++
	case emergency.NotReady:
		b.NotReady++
	}
	b.Agents = append(b.Agents, readinessView(assessment))
}

func readinessView(assessment emergency.Assessment) AgentReadiness {
	view := AgentReadiness{
		AgentID: string(assessment.AgentID), SiteID: string(assessment.SiteID),
		Readiness: AgentReadinessReadiness(assessment.Readiness()), Checks: []ReadinessCheck{},
	}
	for _, check := range assessment.Checks {
		severity := ReadinessCheckSeverityRefusal
		if check.Warning {
			severity = ReadinessCheckSeverityWarning
		}
		view.Checks = append(view.Checks, ReadinessCheck{
			Code: string(check.Code), Severity: severity, Agent: check.Agent, Administrator: check.Administrator,
		})
	}
	return view
}

func (s *server) poolView(pool emergency.Pool, now time.Time) Pool {
	view := Pool{
		SiteID: string(pool.SiteID), State: PoolState(pool.State(s.PoolWarning)), Total: pool.Total(), Free: pool.Free,
		Leased: pool.Leased, Resting: pool.Resting, Use: pool.Use(), LeasesLastHour: pool.LastHour,
	}
	if left, runsOut := pool.Runway(now); runsOut {
		view.RunsOutAt = now.Add(left).UTC()
	}
	return view
}
