package dial

import "context"

// Replay gives SQL what waits, once. The error says that some of it still does.
func (s *Spool) Replay(ctx context.Context) error { return s.replay(ctx) }

// Look reads what has changed, once.
func (f *Feed) Look(ctx context.Context) error { return f.look(ctx) }
