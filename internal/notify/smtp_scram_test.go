package notify

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// scramServer is the server's side of RFC 5802, for one user.
type scramServer struct {
	hash func() hash.Hash
	// binding is what the client must prove to see of the connection; nil without
	// PLUS.
	binding []byte
	// header, bare and first are the parts of the exchange that the proof covers.
	header, bare, first string
	step                int
}

var scramSalt = []byte("salt of a test")

func newSCRAMServer(mechanism string, conn *smtp.Conn) (sasl.Server, error) {
	family, plus := strings.CutSuffix(mechanism, "-PLUS")
	server := &scramServer{hash: map[string]func() hash.Hash{"SCRAM-SHA-1": sha1.New, "SCRAM-SHA-256": sha256.New}[family]}
	if server.hash == nil {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	if plus {
		state, _ := conn.TLSConnectionState()
		binding, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
		if err != nil {
			return nil, err
		}
		server.binding = binding
	}
	return server, nil
}

// Next answers the client's three messages.
func (s *scramServer) Next(response []byte) ([]byte, bool, error) {
	s.step++
	switch s.step {
	case 1:
		return []byte{}, false, nil
	case 2:
		return s.challenge(string(response))
	case 3:
		return s.verify(string(response))
	}
	return nil, true, nil
}

func (s *scramServer) challenge(message string) ([]byte, bool, error) {
	want := "n,,"
	if s.binding != nil {
		want = "p=tls-exporter,,"
	}
	bare, ok := strings.CutPrefix(message, want)
	user, nonce, found := strings.Cut(bare, ",r=")
	if !ok || !found || user != "n="+mailUser {
		return nil, false, smtp.ErrAuthFailed
	}
	s.header, s.bare = want, bare
	s.first = fmt.Sprintf("r=%sserver,s=%s,i=4096", nonce, base64.StdEncoding.EncodeToString(scramSalt))
	return []byte(s.first), false, nil
}

func (s *scramServer) verify(message string) ([]byte, bool, error) {
	withoutProof, encoded, _ := strings.Cut(message, ",p=")
	proof, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, false, smtp.ErrAuthFailed
	}
	nonce, _, _ := strings.Cut(s.first, ",")
	bound := base64.StdEncoding.EncodeToString(append([]byte(s.header), s.binding...))
	if withoutProof != "c="+bound+","+nonce {
		return nil, false, smtp.ErrAuthFailed
	}
	salted, err := pbkdf2.Key(s.hash, mailPassword, scramSalt, 4096, s.hash().Size())
	if err != nil {
		return nil, false, err
	}
	transcript := s.bare + "," + s.first + "," + withoutProof
	clientKey := s.mac(salted, "Client Key")
	stored := s.hash()
	stored.Write(clientKey)
	expected := s.mac(stored.Sum(nil), transcript)
	for i := range expected {
		expected[i] ^= clientKey[i]
	}
	if !bytes.Equal(expected, proof) {
		return nil, false, smtp.ErrAuthFailed
	}
	signature := s.mac(s.mac(salted, "Server Key"), transcript)
	return []byte("v=" + base64.StdEncoding.EncodeToString(signature)), false, nil
}

func (s *scramServer) mac(key []byte, message string) []byte {
	sum := hmac.New(s.hash, key)
	sum.Write([]byte(message))
	return sum.Sum(nil)
}
