package httpapi

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// operation is one operation of the contract, as far as serving it needs to know.
type operation struct {
	id string
	// public operations ask for no token.
	public bool
	params []*openapi3.Parameter
	// body is the JSON that the operation takes; nil when it takes none.
	body         *openapi3.Schema
	bodyRequired bool
}

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

// theContract is read once; nothing changes it.
var theContract = sync.OnceValue(loadContract)

// loadContract reads the embedded copy of api/openapi.yaml. Operations are found
// by method and Gin's way of writing their route. The copy is part of the
// program, so a fault in it is one of the build.
func loadContract() map[string]*operation {
	spec, err := GetSpec()
	if err != nil {
		panic(fmt.Errorf("load the embedded contract: %w", err))
	}
	operations := map[string]*operation{}
	for path, item := range spec.Paths.Map() {
		route := pathParam.ReplaceAllString(path, ":$1")
		for method, described := range item.Operations() {
			op := newOperation(item, described)
			operations[method+" "+route] = op
			if op.public && method == http.MethodGet {
				operations[http.MethodHead+" "+route] = op
			}
		}
	}
	return operations
}

func newOperation(item *openapi3.PathItem, described *openapi3.Operation) *operation {
	op := &operation{
		id:     described.OperationID,
		public: described.Security != nil && len(*described.Security) == 0,
	}
	for _, param := range slices.Concat(item.Parameters, described.Parameters) {
		op.params = append(op.params, param.Value)
	}
	if described.RequestBody != nil {
		op.body = described.RequestBody.Value.Content.Get(jsonType).Schema.Value
		op.bodyRequired = described.RequestBody.Value.Required
	}
	return op
}

// name is the operation's ID, also when there is no operation.
func (o *operation) name() string {
	if o == nil {
		return "none"
	}
	return o.id
}

// takes tells whether the path names this parameter.
func (o *operation) takes(param string) bool {
	return o != nil && slices.ContainsFunc(o.params, func(p *openapi3.Parameter) bool { return p.Name == param })
}

// maxBody is how many bytes the body may have.
func (o *operation) maxBody() int64 {
	switch o.name() {
	case "putVoiceRouting":
		return maxRoutingBody
	case "putTemplate", "previewTemplate":
		return maxTemplateBody
	default:
		return maxBody
	}
}

// prose are the fields of the body that may have several lines.
func (o *operation) prose() []string {
	switch o.name() {
	case "putTemplate", "previewTemplate":
		return []string{"html", "text"}
	default:
		return nil
	}
}

// urgent operations carry an emergency call. What they cannot do now may work in
// a moment, and is never shown as an error of the service.
func (o *operation) urgent() bool {
	return slices.Contains([]string{"placeCall", "endCall", "endLeg", "routeInboundCall"}, o.name())
}

// advice is what to do instead when nothing more fitting is known: whoever dials
// is in danger, whatever was wrong with the request.
func (o *operation) advice() string {
	switch o.name() {
	case "placeCall":
		return "In an emergency dial the local emergency number from a mobile phone."
	case "endCall", "endLeg":
		return "Hang up all the same. Then check this request and send it again."
	case "routeInboundCall":
		return "Ask again at once; if no answer comes, ring the security desk of the site."
	default:
		return ""
	}
}
