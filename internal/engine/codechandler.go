package engine

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// maxCodecBody is above what Temporal puts into one answer (4 MiB), so that whatever the Web UI shows, it can decrypt;
// base64 makes a third more of it.
const maxCodecBody = 6 << 20

// CodecHandler answers POST …/decode for the Temporal Web UI: it shows a supervisor in clear what Temporal holds
// encrypted (B14). There is no /encode, since nobody needs to make payloads there.
//
// It also answers the browser's preflights, which carry no credentials, and sets the CORS headers, on refusals too, so
// that the Web UI can tell them from a broken connection. Mount it without any authentication in front: authorize
// decides about each POST, and when it returns false it has already written the refusal. A request from an origin
// that is not in origins ("http://127.0.0.1:8233") is refused; one without an origin (the Temporal command line) is not.
func CodecHandler(keyring *Keyring, origins []string, authorize func(http.ResponseWriter, *http.Request) bool) http.Handler {
	allowed := make([]string, len(origins))
	for i, origin := range origins {
		allowed[i] = strings.TrimSuffix(origin, "/") // browsers send it without
	}
	return &codecHandler{keyring: keyring, origins: allowed, authorize: authorize}
}

type codecHandler struct {
	keyring   *Keyring
	origins   []string
	authorize func(http.ResponseWriter, *http.Request) bool
}

func (h *codecHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/decode") {
		refuse(w, http.StatusNotFound, "not-found", "There is only …/decode here.")
		return
	}
	if !h.admitOrigin(w, r) {
		refuse(w, http.StatusForbidden, "foreign-origin", "This web page may not read decrypted payloads.")
		return
	}
	switch r.Method {
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		if h.authorize(w, r) {
			h.decode(w, r)
		}
	default:
		w.Header().Set("Allow", "OPTIONS, POST")
		refuse(w, http.StatusMethodNotAllowed, "method-not-allowed", "Use POST.")
	}
}

func (h *codecHandler) admitOrigin(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if !slices.Contains(h.origins, origin) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true")
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", "POST")
		header.Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace, Authorization")
		header.Set("Access-Control-Max-Age", "600")
	}
	return true
}

func (h *codecHandler) decode(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCodecBody))
	if err != nil {
		status, code := http.StatusBadRequest, "unreadable-body"
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			status, code = http.StatusRequestEntityTooLarge, "body-too-large"
		}
		refuse(w, status, code, "The body could not be read whole.")
		return
	}
	var payloads commonpb.Payloads
	if err := protojson.Unmarshal(body, &payloads); err != nil {
		refuse(w, http.StatusBadRequest, "malformed-body", `The body must be JSON: {"payloads": [{"metadata": {}, "data": ""}]}.`)
		return
	}
	plain, err := h.keyring.Decode(payloads.GetPayloads())
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "cannot-decrypt", err.Error())
		return
	}
	answer, err := protojson.Marshal(&commonpb.Payloads{Payloads: plain})
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "cannot-decrypt", "The decrypted payload cannot be written as JSON.")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(answer) // nobody is left to tell when the reader has gone
}

// refuse writes a problem (RFC 9457). The Web UI tries a 5xx three times, so every refusal is a 4xx. It carries the
// request ID that the service around this handler has given the answer, so that the log can be asked.
func refuse(w http.ResponseWriter, status int, code, detail string) {
	problem, err := json.Marshal(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
		"requestId": w.Header().Get("X-Request-Id"),
	})
	if err != nil {
		panic(err) // strings and a number always marshal
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(problem) // as above
}
