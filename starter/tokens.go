package main

import (
	"errors"
	"fmt"
	"strings"
)

// The holders of tokens that commands ask for.
const (
	carrier    = "carrier"
	supervisor = "supervisor"
	agentOf    = "agent/"
)

// token is a bearer token and whose it is: a role, or agent/<agentId>.
type token struct {
	holder, secret string
}

// tokens are the ones of this installation.
type tokens struct {
	held []token
	// dir is where they were looked for when the environment named none.
	dir string
}

// parseTokens reads "role[/agentId]:token,…". The error shows nothing of an entry,
// since any part of a mistyped one may be the secret.
func parseTokens(list string) ([]token, error) {
	var held []token
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		holder, secret, found := strings.Cut(entry, ":")
		if !found || holder == "" || secret == "" {
			return nil, errors.New("every entry must be written role:token or agent/<agentId>:token")
		}
		held = append(held, token{holder, secret})
	}
	return held, nil
}

// of is the token of the first of these holders that has one.
func (t tokens) of(holders ...string) (string, error) {
	for _, holder := range holders {
		for _, held := range t.held {
			if held.holder == holder {
				return held.secret, nil
			}
		}
	}
	return "", fmt.Errorf("no token for %s: set LIFELINE_TOKENS=%s:<token>, or LIFELINE_DATA_DIR to the data directory of the service (it is %s now)",
		strings.Join(holders, " or "), holders[len(holders)-1], t.dir)
}

// ofOrOwn also takes an agent's token when there is just one agent, as at that
// agent's own terminal. The service shows and ends the agent's own calls alone.
func (t tokens) ofOrOwn(holder string) (string, error) {
	secret, err := t.of(holder)
	if err == nil {
		return secret, nil
	}
	var own []string
	for _, held := range t.held {
		if strings.HasPrefix(held.holder, agentOf) {
			own = append(own, held.secret)
		}
	}
	if len(own) == 1 {
		return own[0], nil
	}
	return "", err
}
