package engine

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// keySize is that of AES-256, in bytes.
const keySize = 32

// validKeyID keeps a key ID shorter than a base64 key, so that an entry written the wrong way round is caught
// before its key could be quoted as an ID anywhere.
var validKeyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// Keyring holds the keys that payloads are encrypted with (B14). Its first key encrypts and every key decrypts: a
// new key goes to the front, and the old one stays until the last history written with it has been erased.
//
// It is a [go.temporal.io/sdk/converter.PayloadCodec] and is safe for concurrent use. It keeps no key that could be printed.
type Keyring struct {
	current string
	ciphers map[string]cipher.AEAD
}

// NewKey makes a random key and returns it as an entry "keyID:base64key". One entry is a whole configuration for
// [ParseKeyring]; to rotate, put it in front of the old ones with a comma between. The ID is a fingerprint of the
// key, so two installations can never have different keys under one ID.
func NewKey() string {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // crypto/rand.Read never fails: it would end the program first
	fingerprint := sha256.Sum256(append([]byte("lifeline payload key ID\x00"), key...))
	return "k-" + hex.EncodeToString(fingerprint[:4]) + ":" + base64.StdEncoding.EncodeToString(key)
}

// ParseKeyring reads "keyID:base64key[,keyID:base64key…]", white space around an entry allowed. An error names an
// entry by its place in the list or by its ID and never quotes what might be a key.
func ParseKeyring(config string) (*Keyring, error) {
	ring := &Keyring{ciphers: map[string]cipher.AEAD{}}
	for i, entry := range strings.Split(config, ",") {
		id, aead, err := parseEntry(strings.TrimSpace(entry))
		if err != nil {
			return nil, fmt.Errorf("parse payload key %d: %w", i+1, err)
		}
		if _, twice := ring.ciphers[id]; twice {
			return nil, fmt.Errorf("parse payload key %d: key ID %q is used twice", i+1, id)
		}
		if i == 0 {
			ring.current = id
		}
		ring.ciphers[id] = aead
	}
	return ring, nil
}

func parseEntry(entry string) (string, cipher.AEAD, error) {
	id, encoded, found := strings.Cut(entry, ":")
	if !found {
		return "", nil, errors.New("want keyID:base64key")
	}
	if !validKeyID.MatchString(id) {
		return "", nil, errors.New("key ID must be 1 to 32 letters, digits, dots, hyphens or underscores")
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", nil, fmt.Errorf("key %q is not standard base64 with padding", id)
	}
	if len(key) != keySize {
		return "", nil, fmt.Errorf("key %q has %d bytes, AES-256 needs %d", id, len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", nil, fmt.Errorf("make cipher for key %q: %w", id, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return "", nil, fmt.Errorf("make cipher for key %q: %w", id, err)
	}
	return id, aead, nil
}

// String names the encrypting key, for logs.
func (k *Keyring) String() string {
	return fmt.Sprintf("%d payload keys, encrypting with %s", len(k.ciphers), k.current)
}
