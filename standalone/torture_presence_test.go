package main

import "time"

const doNotDisturb = "do-not-disturb"

// shownLife follows what one agent shows through all of their calls.
type shownLife struct {
	c     *checker
	agent *staff

	up map[string]bool
	// shown is what they show, previous what they showed before Do not disturb.
	shown, previous string
	// held says that what they show is Lifeline's Do not disturb.
	held bool
	// owed says that a leg has come up that must show at once, due that it may: it is from
	// before they last chose for themselves, and the database may have heard of it late.
	owed, due bool
	chosen    time.Time
	// last is the call of the last leg, and restored what they showed once none was up. The
	// outside presence system is not told what they choose later.
	last, restored string
}

// checkPresence proves that an agent was put on Do not disturb by the first leg that
// came up and restored by the last that ended, each once, and that what they chose
// themselves was left alone (B4).
func (c *checker) checkPresence(agent *staff) {
	life := &shownLife{c: c, agent: agent, up: map[string]bool{}}
	for _, e := range c.events[agent.id] {
		life.follow(e)
	}
	shown := c.shown[agent.id]
	if len(life.up) > 0 || life.held || shown.Status != life.shown {
		c.blame(life.last, "in the end %s shows %s; was told %s with %d legs up", agent.id, shown.Status, life.shown, len(life.up))
	}
	if outside := c.w.presence.of(agent.id); life.last != "" && outside.Status != life.restored && outside.Status != shown.Status {
		c.blame(life.last, "the outside presence system has %s of %s; it should have %s", outside.Status, agent.id, life.restored)
	}
}

func (s *shownLife) follow(e eventRow) {
	switch e.kind {
	case "call-placed", "callback-received":
		if s.up[e.leg] || s.owed {
			s.c.blame(e.call, "at %s leg %s came up out of turn", clockOf(e.at), e.leg)
		}
		s.up[e.leg], s.last, s.due = true, e.call, !s.held
		s.owed = s.due && !e.at.Before(s.chosen)
	case "presence-changed":
		s.change(e.status, e.at)
	case "leg-ended":
		if !s.up[e.leg] {
			s.c.blame(e.call, "at %s leg %s ended that was not up", clockOf(e.at), e.leg)
		}
		delete(s.up, e.leg)
		s.last, s.due = e.call, false
		if len(s.up) == 0 {
			s.restored = s.shown
		}
		if len(s.up) == 0 && s.held {
			s.c.blame(e.call, "at %s its last leg ended, and %s was not restored", clockOf(e.at), s.agent.id)
		}
	}
}

// change is one change of what is shown. A restoration comes with the end of the last
// leg, so just before it is told.
func (s *shownLife) change(to string, at time.Time) {
	switch {
	case s.due && to == doNotDisturb:
		s.previous, s.shown, s.held, s.owed, s.due = s.shown, to, true, false, false
	case s.held && len(s.up) == 1 && to == s.previous:
		s.shown, s.held = to, false
	case !s.owed && s.c.l.chosen[to], s.last == "":
		s.shown, s.held, s.chosen = to, false, at
	default:
		s.c.blame(s.last, "at %s %s was made to show %s instead of %s, with %d legs up", clockOf(at), s.agent.id, to, s.shown, len(s.up))
		s.shown = to
	}
}
