package engine

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// key returns a configuration entry whose key is 32 times the same byte.
func key(id string, fill byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(fill), keySize)))
}

func mustParse(t interface {
	Helper()
	Fatal(args ...any)
}, config string,
) *Keyring {
	t.Helper()
	ring, err := ParseKeyring(config)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// The first key encrypts; entries may stand on lines of their own.
func TestParseKeyringTakesTheFirstKeyAsCurrent(t *testing.T) {
	ring := mustParse(t, " "+key("new", 'n')+",\n"+key("old", 'o')+"\n")
	if ring.current != "new" || len(ring.ciphers) != 2 {
		t.Errorf("got %v, want new first of two", ring)
	}
}

// A configuration that is not exactly right is refused, and the refusal never shows what might be a key.
func TestParseKeyringRefuses(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", keySize)))
	long := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", keySize+1)))
	short := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 16)))
	tests := map[string]struct{ config, want string }{
		"nothing":               {"", "payload key 1: want keyID:base64key"},
		"an empty entry":        {key("a", 'a') + ",", "payload key 2: want keyID:base64key"},
		"no key ID":             {secret, "payload key 1: want keyID:base64key"},
		"an empty key ID":       {":" + secret, "payload key 1: key ID must be"},
		"the wrong way round":   {secret + ":a", "payload key 1: key ID must be"},
		"a blank in the key ID": {"a b:" + secret, "payload key 1: key ID must be"},
		"a key ID twice":        {key("a", 'a') + "," + key("a", 'b'), `payload key 2: key ID "a" is used twice`},
		"no base64":             {"a:" + secret[:10] + "!" + secret[11:], `key "a" is not standard base64`},
		"no padding":            {"a:" + strings.TrimRight(secret, "="), `key "a" is not standard base64`},
		"no key":                {"a:", `key "a" has 0 bytes, AES-256 needs 32`},
		"an AES-128 key":        {"a:" + short, `key "a" has 16 bytes, AES-256 needs 32`},
		"a key too long":        {"a:" + long, `key "a" has 33 bytes, AES-256 needs 32`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseKeyring(test.config)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret[:8]) {
				t.Errorf("error shows the key: %q", err)
			}
		})
	}
}

// A new key is a configuration by itself, and no two are alike, in ID or key.
func TestNewKeyMakesAKeyring(t *testing.T) {
	first, second := NewKey(), NewKey()
	mustParse(t, first)
	mustParse(t, second+","+first)
	firstID, _, _ := strings.Cut(first, ":")
	if !strings.HasPrefix(firstID, "k-") || strings.HasPrefix(second, firstID) {
		t.Errorf("IDs of new keys: %s and the start of %s", firstID, second[:10])
	}
}

// A keyring in a log names its key and does not show it.
func TestKeyringPrintsNoKey(t *testing.T) {
	ring := mustParse(t, key("a", 'a'))
	for _, printed := range []string{ring.String(), fmt.Sprintf("%+v", ring), fmt.Sprint(ring)} {
		if printed != "1 payload keys, encrypting with a" {
			t.Errorf("printed as %q", printed)
		}
	}
}
