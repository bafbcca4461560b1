package engine

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"
)

func payload(data string) *commonpb.Payload {
	return &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(data)}
}

func encode(t *testing.T, ring *Keyring, plain *commonpb.Payload) *commonpb.Payload {
	t.Helper()
	encoded, err := ring.Encode([]*commonpb.Payload{plain})
	if err != nil {
		t.Fatal(err)
	}
	return encoded[0]
}

// What was encoded decodes to the same, whatever it is; nothing of it is to be seen, and the input is left as it was.
func TestCodecRoundTrip(t *testing.T) {
	ring := mustParse(t, NewKey())
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~]{1,40}`)
		plain := rapid.SliceOf(rapid.Custom(func(t *rapid.T) *commonpb.Payload {
			p := &commonpb.Payload{Data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"), Metadata: map[string][]byte{}}
			for name, value := range rapid.MapOf(text, text).Draw(t, "metadata") {
				p.Metadata[name] = []byte(value)
			}
			return p
		})).Draw(t, "payloads")
		before := cloned(plain)

		encoded, err := ring.Encode(plain)
		if err != nil {
			t.Fatal(err)
		}
		for i := range encoded {
			if len(plain[i].Data) > 8 && bytes.Contains(encoded[i].Data, plain[i].Data) {
				t.Fatal("the plain data is in the encoded data")
			}
		}
		decoded, err := ring.Decode(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, decoded, protocmp.Transform(), protocmp.IgnoreEmptyMessages()); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(before, plain, protocmp.Transform()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func cloned(payloads []*commonpb.Payload) []*commonpb.Payload {
	clones := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		clones[i] = proto.CloneOf(p)
	}
	return clones
}

// The metadata says how it is encrypted and with which key, and nothing else; the same payload never looks the same twice.
func TestCodecMetadataAndNonce(t *testing.T) {
	ring := mustParse(t, key("a", 'a'))
	first, second := encode(t, ring, payload("1")), encode(t, ring, payload("1"))
	want := map[string][]byte{"encoding": []byte("binary/encrypted"), "encryption-key-id": []byte("a")}
	if diff := cmp.Diff(want, first.Metadata); diff != "" {
		t.Error(diff)
	}
	if bytes.Equal(first.Data[:12], second.Data[:12]) {
		t.Error("the nonce was used twice")
	}
}

// After a rotation the new key encrypts and the old one still decrypts; without the old key, the error names it.
func TestCodecRotation(t *testing.T) {
	old := mustParse(t, key("old", 'o'))
	rotated := mustParse(t, key("new", 'n')+","+key("old", 'o'))
	written := encode(t, old, payload("before"))

	decoded, err := rotated.Decode([]*commonpb.Payload{written, encode(t, rotated, payload("after"))})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*commonpb.Payload{payload("before"), payload("after")}, decoded, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if got := encode(t, rotated, payload("after")).Metadata["encryption-key-id"]; string(got) != "new" {
		t.Errorf("encrypted with %s after the rotation", got)
	}

	_, err = mustParse(t, key("new", 'n')).Decode([]*commonpb.Payload{written})
	unknown, ok := errors.AsType[*UnknownKeyError](err)
	if !ok || unknown.KeyID != "old" {
		t.Errorf("error without the old key: %v", err)
	}
}

// A payload that was touched is refused, wherever it was touched: one bit, its end, its key ID, another installation's
// key under the same ID.
func TestCodecRefusesTampering(t *testing.T) {
	same := key("a", 'a')[len("a:"):]
	ring := mustParse(t, "a:"+same+",b:"+same)
	tests := map[string]func(*commonpb.Payload){
		"nonce":      func(p *commonpb.Payload) { p.Data[0] ^= 1 },
		"ciphertext": func(p *commonpb.Payload) { p.Data[14] ^= 1 },
		"tag":        func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 },
		"cut":        func(p *commonpb.Payload) { p.Data = p.Data[:len(p.Data)-1] },
		"emptied":    func(p *commonpb.Payload) { p.Data = nil },
		// The keys of a and b are the same here: only the binding to the ID can refuse this.
		"key ID swapped":    func(p *commonpb.Payload) { p.Metadata["encryption-key-id"] = []byte("b") },
		"same ID elsewhere": func(p *commonpb.Payload) { p.Data = encode(t, mustParse(t, key("a", 'x')), payload("1")).Data },
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			written := encode(t, ring, payload("1"))
			tamper(written)
			if _, err := ring.Decode([]*commonpb.Payload{written}); !errors.Is(err, ErrUndecipherable) {
				t.Errorf("error %v, want ErrUndecipherable", err)
			}
		})
	}
}

// Payloads that are not Lifeline's pass through decoding untouched: search attributes, a signal sent by hand.
func TestCodecPassesOthersThrough(t *testing.T) {
	others := []*commonpb.Payload{
		payload(`{"a":1}`),
		{},
		nil,
		{Metadata: map[string][]byte{"encoding": []byte("binary/zlib"), "encryption-key-id": []byte("a")}, Data: []byte("x")},
	}
	decoded, err := mustParse(t, key("a", 'a')).Decode(others)
	if err != nil {
		t.Fatal(err)
	}
	for i := range others {
		if decoded[i] != others[i] {
			t.Errorf("payload %d was replaced: %v", i, decoded[i])
		}
	}
}
