package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lifeline/internal/emergency"
)

// A callback number belongs to whoever has called for help from it (B5). If it rang
// a device as well, a callback would ring itself in a circle, and the next person's
// emergency service would reach that device.

// notCallbackNumbers refuses an agent with a number that is in a pool.
func (t tx) notCallbackNumbers(ctx context.Context, a emergency.Agent) error {
	if err := t.notCallbackNumber(ctx, "callingNumber", a.CallingNumber); err != nil {
		return err
	}
	for _, uri := range a.Endpoints {
		if err := t.notCallbackNumber(ctx, "endpoints", numberIn(uri)); err != nil {
			return err
		}
	}
	return nil
}

// notCallbackNumber refuses a field with a number that is in a pool.
func (t tx) notCallbackNumber(ctx context.Context, field, number string) error {
	err := t.notInPool(ctx, number)
	if errors.Is(err, emergency.ErrNumberExists) {
		return &emergency.Invalid{Field: field, Problem: "must be no callback number: take the number out of its pool first"}
	}
	return err
}

// notAgents is emergency.ErrNumberExists for a number that an agent calls from, or that
// rings an agent's device.
func (t tx) notAgents(ctx context.Context, number string) error {
	// Endpoints may be spelled with dashes, so the database only narrows them down.
	found, err := collect(ctx, t, scanNumbers, `SELECT calling_number, endpoints FROM agents
		WHERE (calling_number = $1 OR REPLACE(endpoints, '-', '') LIKE $2) AND (NOT deleted OR `+whileCalled+`)`,
		number, "%"+strings.TrimPrefix(number, "+")+"%")
	if err != nil {
		return err
	}
	for _, numbers := range found {
		if slices.Contains(numbers, number) {
			return emergency.ErrNumberExists
		}
	}
	return nil
}

// scanNumbers gives the numbers of one agent.
func scanNumbers(rows *sql.Rows) ([]string, error) {
	var (
		calling, endpoints string
		uris               []string
	)
	if err := rows.Scan(&calling, &endpoints); err != nil {
		return nil, err //nolint:wrapcheck // collect wraps
	}
	if err := json.Unmarshal([]byte(endpoints), &uris); err != nil {
		return nil, fmt.Errorf("decode endpoints: %w", err)
	}
	numbers := []string{calling}
	for _, uri := range uris {
		numbers = append(numbers, numberIn(uri))
	}
	return numbers, nil
}

// numberIn is the number that a tel: or sip: URI rings, as E.164 if it is one:
// tel:+1-202-555-0101 and sip:12025550101@example.com ring +12025550101.
func numberIn(uri string) string {
	_, user, _ := strings.Cut(uri, ":")
	user, _, _ = strings.Cut(user, "@")
	return "+" + strings.TrimPrefix(strings.ReplaceAll(user, "-", ""), "+")
}
