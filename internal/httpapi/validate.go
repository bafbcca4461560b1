package httpapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"
)

const (
	jsonType = "application/json"
	// maxBody is far above any request of the contract but a few.
	maxBody = 64 << 10
	// maxIgnored is how much of a body that is too long is read for nothing.
	maxIgnored = 1 << 20
	// maxRoutingBody holds a voice routing with every rule that it may have.
	maxRoutingBody = 1 << 20
	// maxTemplateBody holds the wording of notices.
	maxTemplateBody = 256 << 10
)

// validate holds a request to the contract, before anything is done with it. The
// schemas come from the document, the walk is here: openapi3filter compiles an
// OpenAPI 3.1 schema anew for every request, which took seventy times as long
// for an inbound call, and does not tell where JSON breaks off.
func (s *server) validate(c *gin.Context) {
	op := visitOf(c.Request.Context()).op
	err := checkParams(c, op)
	if err == nil && op.body != nil {
		err = checkBody(c, op)
	}
	if err != nil {
		s.fail(c, err)
	}
}

func checkParams(c *gin.Context, op *operation) error {
	for _, param := range op.params {
		var given []string
		switch param.In {
		case openapi3.ParameterInPath:
			given = []string{c.Param(param.Name)}
		case openapi3.ParameterInQuery:
			given = c.QueryArray(param.Name)
		case openapi3.ParameterInHeader:
			given = c.Request.Header.Values(param.Name)
		}
		if len(given) > 1 {
			return invalid(param.Name, "must be given once")
		}
		for _, value := range given {
			err := checkValue(param.Schema.Value, value, param.Name, nil)
			if err != nil && param.In == openapi3.ParameterInPath && c.Request.Method != http.MethodPut {
				return errNotFound // nothing can have such a name
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// checkBody leaves the body for the handler to decode. That gives the same value:
// names that encoding/json would take for a field are refused here as unknown.
func checkBody(c *gin.Context, op *operation) error {
	data, err := readBody(c.Writer, c.Request, op.maxBody())
	if err != nil {
		return err
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(data))
	if len(data) == 0 && !op.bodyRequired {
		return nil
	}
	value, err := parseBody(c.Request.Header, data)
	if err != nil {
		return err
	}
	return inWording(checkValue(op.body, value, "", op.prose()), op, value)
}

// inWording says where in a wording the fault is, as the wording's own rules do: at the
// first character too many, or at the control character. Columns count characters.
func inWording(err error, op *operation, body any) error {
	f, refused := errors.AsType[*fault](err)
	if !refused || op.prose() == nil || !slices.Contains([]string{"subject", "html", "text"}, f.field) {
		return err
	}
	parts, _ := body.(map[string]any)
	wording, _ := parts[f.field].(string)
	allowed := ""
	if slices.Contains(op.prose(), f.field) {
		allowed = layout
	}
	at := controlAt(wording, allowed)
	if most := *op.body.Properties[f.field].Value.MaxLength; uint64(utf8.RuneCountInString(wording)) > most {
		at = len(string([]rune(wording)[:most]))
	}
	if at >= 0 {
		f.line = 1 + strings.Count(wording[:at], "\n")
		f.column = 1 + utf8.RuneCountInString(wording[strings.LastIndexByte(wording[:at], '\n')+1:at])
	}
	return f
}

func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		// Who is still writing when the connection closes sees a reset and no answer.
		_, _ = io.CopyN(io.Discard, r.Body, maxIgnored)
		return nil, &fault{
			status: http.StatusRequestEntityTooLarge, code: "too-large",
			detail: fmt.Sprintf("The body must be at most %d KiB long.", limit>>10),
		}
	}
	if err != nil {
		return nil, badJSON("The body could not be read to its end.", nil, 0)
	}
	return data, nil
}

// parseBody reads one JSON value and nothing after it, in which no object has a field
// twice.
func parseBody(header http.Header, data []byte) (any, error) {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if len(data) > 0 && (err != nil || media != jsonType) {
		return nil, &fault{
			status: http.StatusUnsupportedMediaType, code: "unsupported-media-type",
			detail: "The body must be JSON, with Content-Type: application/json.",
		}
	}
	if at := invalidUTF8(data); at >= 0 {
		return nil, badJSON("The body is not UTF-8.", data, at)
	}
	var value any
	err = json.Unmarshal(data, &value) // whose offsets are past the byte at fault
	if broken, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, badJSON("The body is not JSON: "+broken.Error()+".", data, int(broken.Offset-1))
	}
	if outOfRange, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil, badJSON("A number in the body is out of range.", data, int(outOfRange.Offset-1))
	}
	if err != nil {
		return nil, badJSON("The body is not JSON.", nil, 0)
	}
	if path, found := repeatedField(data); found {
		return nil, invalid(joinField("", path), "must be given once")
	}
	return value, nil
}

func invalidUTF8(data []byte) int {
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

func badJSON(detail string, data []byte, at int) error {
	f := &fault{status: http.StatusBadRequest, code: "bad-json", detail: detail}
	if data != nil {
		before := data[:min(max(at, 0), len(data))]
		f.line = bytes.Count(before, []byte("\n")) + 1
		f.column = len(before) - bytes.LastIndexByte(before, '\n')
	}
	return f
}

// checkValue holds a value to its schema. Control characters are refused
// wherever they stand: no field has a use for them, and PostgreSQL keeps no NUL. Only
// prose has lines; and the end of a line behind what was dialed must not keep anybody
// from help.
func checkValue(schema *openapi3.Schema, value any, name string, prose []string) error {
	err := schema.VisitJSON(value, openapi3.VisitAsRequest(), openapi3.WithStringFormatValidator("date-time", dateTime))
	if err != nil {
		broken, ok := errors.AsType[*openapi3.SchemaError](err)
		if !ok {
			return invalid(name, "does not follow the contract")
		}
		return schemaFault(broken, name)
	}
	if path, found := controlIn(value, nil, prose); found {
		return invalid(joinField(name, path), "must not contain control characters")
	}
	return nil
}

// dateTime is stricter than the library's, which lets the 31st of February pass.
var dateTime = openapi3.NewCallbackValidator(func(text string) error {
	_, err := time.Parse(time.RFC3339, text)
	return err //nolint:wrapcheck // schemaFault puts it into words
})

// schemaFault says in our own words which rule of a schema a value breaks.
func schemaFault(broken *openapi3.SchemaError, name string) error {
	path := broken.JSONPointer()
	field := joinField(name, path)
	schema := broken.Schema
	switch broken.SchemaField {
	case "required":
		return invalid(field, "is missing")
	case "properties":
		return invalid(joinField(name, append(slices.Clone(path), unknownKey(broken))), "is not a field of this request")
	case "nullable":
		return invalid(field, "must not be null")
	case "enum":
		return invalid(field, "must be one of "+strings.Join(words(schema.Enum), ", "))
	case "format":
		return invalid(field, "must be a time of RFC 3339 such as 2026-01-31T12:00:00Z")
	case "pattern":
		return invalid(field, cmp.Or(patternWords[schema.Pattern], "must be written otherwise"))
	case "minLength":
		return invalid(field, "must not be empty")
	case "minItems":
		return invalid(field, "must have at least "+strconv.FormatUint(schema.MinItems, 10)+" item")
	case "maxItems":
		return invalid(field, "must have at most "+strconv.FormatUint(*schema.MaxItems, 10)+" items")
	case "maxLength":
		return invalid(field, "must be at most "+strconv.FormatUint(*schema.MaxLength, 10)+" characters long")
	default:
		// "value must be an object", "number must be at most 90": no value in it.
		_, rule, found := strings.Cut(broken.Reason, "must ")
		if !found {
			return invalid(field, "does not follow the contract")
		}
		return invalid(field, "must "+rule)
	}
}

// patternWords say what the patterns of the contract ask for.
var patternWords = map[string]string{
	`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`: "must be 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or a digit",
	`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`:   "must be 1 to 64 letters, digits or dashes, and begin with a letter or a digit",
	`^(https?://[!-~]+)?$`:              "must be an http: or https: URL",
	`^[A-Za-z0-9][A-Za-z0-9 ._-]*$`:     "must be letters, digits, spaces, dots, dashes or underscores, and begin with a letter or a digit",
	`^[A-Z]{2}$`:                        "must be a code of two capital letters, such as US",
	`^[ -~]+$`:                          "must be printable ASCII characters",
	`^[0-9]{1,18}$`:                     "must be the ID of an event: 1 to 18 digits",
	`^([*]|"(0|[1-9][0-9]{0,17})")$`:    `must be the ETag that you have read, with its quotes, such as "3"; or * for any`,
	`^[+]?[0-9]{1,15}$`:                 "must be a number such as +12025550100",
	`^(0|[1-9][0-9]{0,17})$`:            "must be the number of a version",
}

func words(values []any) []string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprint(value)
	}
	return texts
}

// unknownKey is the first of an object's keys that its schema does not have.
func unknownKey(broken *openapi3.SchemaError) string {
	object, _ := broken.Value.(map[string]any)
	var unknown []string
	for key := range object {
		if broken.Schema.Properties[key] == nil {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return ""
	}
	return slices.Min(unknown)
}

// controlIn finds a string with a control character, and the way to it.
func controlIn(value any, path, prose []string) ([]string, bool) {
	switch v := value.(type) {
	case string:
		allowed := ""
		switch {
		case len(path) == 1 && slices.Contains(prose, path[0]):
			allowed = layout
		case len(path) == 1 && path[0] == "dialedNumber":
			v = strings.TrimSpace(v)
		}
		return path, controlAt(v, allowed) >= 0
	case []any:
		for i, item := range v {
			if at, found := controlIn(item, append(path, strconv.Itoa(i)), prose); found {
				return at, true
			}
		}
	case map[string]any:
		for key, item := range v {
			if at, found := controlIn(item, append(path, key), prose); found {
				return at, true
			}
		}
	}
	return nil, false
}

// layout are the control characters that prose may have.
const layout = "\n\r\t"

// controlAt is where a text has a control character that is not allowed, or -1.
func controlAt(text, allowed string) int {
	return strings.IndexFunc(text, func(r rune) bool {
		return (r < ' ' || r == 0x7f) && !strings.ContainsRune(allowed, r)
	})
}

func joinField(name string, path []string) string {
	if name != "" {
		path = append([]string{name}, path...)
	}
	return strings.Join(path, ".")
}

// maxShownField keeps a problem short when the unknown field is not.
const maxShownField = 100

func invalid(field, problem string) error {
	if len(field) > maxShownField {
		field = strings.ToValidUTF8(field[:maxShownField], "") + "…"
	}
	subject := field
	if subject == "" {
		subject = "The body"
	}
	return &fault{status: http.StatusBadRequest, code: "invalid", field: field, detail: subject + " " + problem + "."}
}
