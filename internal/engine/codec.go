package engine

import (
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

const (
	encodingEncrypted = "binary/encrypted"
	metadataKeyID     = "encryption-key-id"
)

// ErrUndecipherable is the error for a payload that its key does not open: it was changed, cut, relabelled, or made
// with another key of the same ID.
var ErrUndecipherable = errors.New("payload was changed, or encrypted with another key of the same ID")

// UnknownKeyError is the error for a payload whose key the keyring does not have. Adding the key cures it.
type UnknownKeyError struct {
	// KeyID is what the payload claims; anyone may have written it.
	KeyID string
}

// Error names the missing key.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("payload key %q is not in the keyring", e.KeyID)
}

var _ converter.PayloadCodec = (*Keyring)(nil)

// Encode encrypts whole payloads, their own metadata included, with the first key.
func (k *Keyring) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	encrypted := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		plain, err := proto.Marshal(payload)
		if err != nil {
			return nil, fmt.Errorf("marshal payload: %w", err)
		}
		encrypted[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(encodingEncrypted),
				metadataKeyID:              []byte(k.current),
			},
			Data: k.ciphers[k.current].Seal(nil, nil, plain, boundTo(k.current)),
		}
	}
	return encrypted, nil
}

// Decode decrypts what Encode made, by whichever key, and returns all other payloads as they are: search attributes,
// and whatever people send from the Web UI or the Temporal command line.
func (k *Keyring) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	plain := make([]*commonpb.Payload, len(payloads))
	for i, payload := range payloads {
		if string(payload.GetMetadata()[converter.MetadataEncoding]) != encodingEncrypted {
			plain[i] = payload
			continue
		}
		opened, err := k.open(payload)
		if err != nil {
			return nil, fmt.Errorf("decrypt payload: %w", err)
		}
		plain[i] = opened
	}
	return plain, nil
}

func (k *Keyring) open(payload *commonpb.Payload) (*commonpb.Payload, error) {
	keyID := string(payload.GetMetadata()[metadataKeyID])
	aead, known := k.ciphers[keyID]
	if !known {
		return nil, &UnknownKeyError{KeyID: keyID}
	}
	plain, err := aead.Open(nil, nil, payload.GetData(), boundTo(keyID))
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", keyID, ErrUndecipherable)
	}
	opened := &commonpb.Payload{}
	if err := proto.Unmarshal(plain, opened); err != nil {
		return nil, fmt.Errorf("unmarshal payload: %w", err)
	}
	return opened, nil
}

// boundTo is the additional data that GCM authenticates: the key ID cannot be exchanged without being noticed.
func boundTo(keyID string) []byte {
	return []byte("lifeline payload\x00" + keyID)
}
