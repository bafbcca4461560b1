package httpapi

// Role is what a token may do.
type Role string

// The roles of the contract.
const (
	RoleAgent      Role = "agent"
	RoleSupervisor Role = "supervisor"
	RoleAdmin      Role = "admin"
	RoleCarrier    Role = "carrier"
)

// reach is how far a role may go with one operation.
type reach int

const (
	// nothing refuses.
	nothing reach = iota
	// own admits what belongs to the agent whom the token names.
	own
	// everything admits whatever it is about.
	everything
)

// decodePayloads is the codec endpoint, which is not part of the contract.
const decodePayloads = "decodePayloads"

// access says what each role may do; what does not stand here is refused. The
// operations are those of api/openapi.yaml, save the public ones.
var access = map[string]map[Role]reach{
	"placeCall":            {RoleAgent: own, RoleCarrier: everything},
	"listCalls":            {RoleAgent: own, RoleSupervisor: everything},
	"getCall":              {RoleAgent: own, RoleSupervisor: everything},
	"endCall":              {RoleAgent: own, RoleCarrier: everything},
	"endLeg":               {RoleAgent: own, RoleCarrier: everything},
	"refuseAction":         {RoleAgent: everything},
	"listRefusedCalls":     {RoleAgent: own, RoleSupervisor: everything},
	"getRefusedCall":       {RoleAgent: own, RoleSupervisor: everything},
	"routeInboundCall":     {RoleCarrier: everything},
	"listSites":            {RoleAdmin: everything},
	"getSite":              {RoleAdmin: everything},
	"putSite":              {RoleAdmin: everything},
	"listAgents":           {RoleAdmin: everything},
	"getAgent":             {RoleAdmin: everything},
	"putAgent":             {RoleAdmin: everything},
	"removeAgent":          {RoleAdmin: everything},
	"getPresence":          {RoleAgent: own, RoleAdmin: everything},
	"setPresence":          {RoleAgent: own, RoleAdmin: everything},
	"getEmergencyContacts": {RoleAdmin: everything},
	"setEmergencyContacts": {RoleAdmin: everything},
	"listCallbackNumbers":  {RoleAdmin: everything},
	"addCallbackNumber":    {RoleAdmin: everything},
	"removeCallbackNumber": {RoleAdmin: everything},
	"reportLocation":       {RoleAgent: own},
	"getAgentReadiness":    {RoleAgent: own, RoleSupervisor: everything, RoleAdmin: everything},
	"getReadinessBoard":    {RoleSupervisor: everything, RoleAdmin: everything},
	"getVoiceRouting":      {RoleSupervisor: everything, RoleAdmin: everything},
	"putVoiceRouting":      {RoleAdmin: everything},
	"getTemplate":          {RoleAdmin: everything},
	"putTemplate":          {RoleAdmin: everything},
	"listTemplateVersions": {RoleAdmin: everything},
	"getTemplateVersion":   {RoleAdmin: everything},
	"restoreTemplate":      {RoleAdmin: everything},
	"previewTemplate":      {RoleAdmin: everything},
	"streamEvents":         {RoleAgent: own, RoleSupervisor: everything},
	decodePayloads:         {RoleSupervisor: everything},
}
