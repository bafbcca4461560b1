package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"lifeline/internal/emergency"
)

// Identity is who a token stands for.
type Identity struct {
	Role Role
	// AgentID is set for agents alone.
	AgentID emergency.AgentID
}

// String names the identity for people, for example "agent agent-us".
func (i Identity) String() string {
	return strings.TrimSpace(string(i.Role) + " " + string(i.AgentID))
}

// Tokens knows every bearer token by its hash.
type Tokens struct {
	byHash    map[[sha256.Size]byte]*holder
	bySession map[string]*holder
}

// holder is one token's owner.
type holder struct {
	identity Identity
	hash     [sha256.Size]byte
	// sessionKey signs this token's session cookies.
	sessionKey []byte
}

// key is how the audit knows a token: the beginning of its hash, which is too little
// to find the token by.
func (h *holder) key() string { return hex.EncodeToString(h.hash[:4]) }

// tokenPattern is what RFC 6750 allows in a bearer token, long enough not to be
// guessed when it was drawn at random.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9._~+/-]{16,}=*$`)

// ParseTokens reads "role[/agentId]:token,…". An agent must be named; nobody else
// may be. Errors tell which entry is at fault by its place and show none of it,
// since any part of a mistyped entry may be the secret.
func ParseTokens(list string) (Tokens, error) {
	t := Tokens{byHash: map[[sha256.Size]byte]*holder{}, bySession: map[string]*holder{}}
	place := 0
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		place++
		identity, token, err := parseEntry(entry)
		if err == nil {
			err = t.add(identity, token)
		}
		if err != nil {
			return Tokens{}, fmt.Errorf("token entry %d %w", place, err)
		}
	}
	return t, nil
}

func parseEntry(entry string) (Identity, string, error) {
	who, token, found := strings.Cut(entry, ":")
	if !found {
		return Identity{}, "", errors.New("must be written role:token or agent/<agentId>:token")
	}
	role, agent, named := strings.Cut(who, "/")
	identity := Identity{Role: Role(role), AgentID: emergency.AgentID(agent)}
	switch {
	case !slices.Contains([]Role{RoleAgent, RoleSupervisor, RoleAdmin, RoleCarrier}, identity.Role):
		return identity, "", errors.New("must begin with agent, supervisor, admin or carrier")
	case identity.Role == RoleAgent && agent == "":
		return identity, "", errors.New("must name the agent, as in agent/<agentId>:token")
	case identity.Role != RoleAgent && named:
		return identity, "", errors.New("must not name an agent, because its role is not agent")
	case !tokenPattern.MatchString(token):
		return identity, "", errors.New("needs a token of at least 16 letters, digits or -._~+/ characters")
	}
	return identity, token, nil
}

func (t Tokens) add(identity Identity, token string) error {
	hash := sha256.Sum256([]byte(token))
	if t.byHash[hash] != nil {
		return errors.New("repeats a token of another entry")
	}
	h := &holder{identity: identity, hash: hash, sessionKey: sessionKey(token)}
	t.byHash[hash] = h
	t.bySession[h.sessionID()] = h
	return nil
}

// find is the holder of a token; nil when nobody holds it. Only hashes are looked
// up and compared, so that the time it takes tells nothing of any token.
func (t Tokens) find(token string) *holder {
	hash := sha256.Sum256([]byte(token))
	h := t.byHash[hash]
	if h == nil || subtle.ConstantTimeCompare(h.hash[:], hash[:]) != 1 {
		return nil
	}
	return h
}
