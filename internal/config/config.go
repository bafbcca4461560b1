// Package config is Lifeline's configuration: one struct, read from environment
// variables that begin with LIFELINE_. Every process reads the same one and uses
// what concerns it.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"text/tabwriter"
	"time"

	"lifeline/internal/emergency"

	"github.com/kelseyhightower/envconfig"
)

// Config is the whole configuration. The desc tags are the documentation that
// every program prints with --help.
type Config struct {
	HTTPAddr          string        `split_words:"true" default:"127.0.0.1:8080" desc:"Where the HTTP API listens, and where starter looks for it."`
	MetricsAddr       string        `split_words:"true" desc:"Where a worker shows /metrics and /healthz, such as 127.0.0.1:8081; empty for nowhere. The API shows both at its own address."`
	DataDir           string        `split_words:"true" default:"./data" desc:"Directory for the SQLite database, the embedded Temporal server, e-mails in a folder, and the tokens and payload key made on first start."`
	DatabaseURL       string        `split_words:"true" desc:"postgres://… for PostgreSQL, or the absolute path of an SQLite file; empty for SQLite in the data directory."`
	TemporalAddr      string        `split_words:"true" default:"127.0.0.1:7233" desc:"Temporal frontend. In standalone: where the embedded server listens."`
	TemporalNamespace string        `split_words:"true" default:"default" desc:"Temporal namespace."`
	BuildID           string        `split_words:"true" desc:"Name of this release, such as 2026-11-23. A worker that has one keeps the calls that it began, beside workers of other releases; empty when each release takes over the calls of the one before."`
	TemporalUIAddr    string        `split_words:"true" default:"127.0.0.1:8233" desc:"Temporal Web UI: where the embedded one listens, and whose pages may ask the codec endpoint."`
	LeaseDuration     time.Duration `split_words:"true" default:"60m" desc:"How long a dial keeps its callback number."`
	CallbackGrace     time.Duration `split_words:"true" default:"30m" desc:"How long the number is kept after the last call or callback has ended."`
	NumberQuarantine  time.Duration `split_words:"true" default:"30m" desc:"How long a released number rests before the next caller may have it."`
	MaxCallDuration   time.Duration `split_words:"true" default:"4h" desc:"Ends a call or callback whose end was never told."`
	DialBudget        time.Duration `split_words:"true" default:"500ms" desc:"How long the answer to a dial may take."`
	OutsideLinePrefix string        `split_words:"true" desc:"What people dial for an outside line, such as 9; emergency numbers are then recognised behind it, too. Empty for none."`
	LocationMaxAge    time.Duration `split_words:"true" default:"1h" desc:"How old a location may be that a desktop gives with a dial, and how long one counts that it has told before."`
	PoolWarning       float64       `split_words:"true" default:"0.8" desc:"Share of a site's callback numbers in use from which the pool counts as low; between 0 and 1."`
	PayloadKeys       string        `split_words:"true" desc:"keyID:base64 of 32 bytes[,…]; the first encrypts what Temporal keeps, all decrypt. Made on first start when empty."`
	Tokens            string        `split_words:"true" desc:"role[/agentId]:token,… with the roles agent, supervisor, admin, carrier. Made on first start when empty."`
	MailTransport     string        `split_words:"true" default:"folder" desc:"How notices go out: folder, smtp or sendgrid."`
	SMTPURL           string        `envconfig:"SMTP_URL" desc:"Mail server: smtp://user:password@host:587 (STARTTLS demanded), smtps://host:465, or smtp://host:25?starttls=never on a network that you trust."`
	MailDir           string        `split_words:"true" desc:"Folder for notices as .eml files; empty for mail in the data directory."`
	MailFrom          string        `split_words:"true" default:"Lifeline <lifeline@localhost>" desc:"Sender of the notices."`
	SendGridAPIKey    string        `envconfig:"SENDGRID_API_KEY" desc:"SendGrid API key."`
	SendGridHost      string        `envconfig:"SENDGRID_HOST" default:"https://api.sendgrid.com" desc:"SendGrid host, for tests and regions."`
	SendGridEventsKey string        `envconfig:"SENDGRID_EVENTS_KEY" desc:"Public key with which SendGrid signs what it reports to /v1/sendgrid-events; empty refuses reports."`
	PublicURL         string        `split_words:"true" desc:"Where readers of a notice find this service, for the link to acknowledge it; empty for LIFELINE_HTTP_ADDR."`
	AckDeadline       time.Duration `split_words:"true" default:"5m" desc:"How long somebody has to acknowledge a notice before the site's own recipients are told, and told again; 0s when nobody need acknowledge."`
	AckEscalations    int           `split_words:"true" default:"3" desc:"How often the site's recipients are told while nobody acknowledges."`
	NotifyEnd         bool          `split_words:"true" default:"false" desc:"Whether contacts are told of the end of a call, too."`
	PresenceURL       string        `split_words:"true" desc:"Presence system to tell of every change: PUT {url}/agents/{agentId}/presence. Empty for none."`
	PresenceToken     string        `split_words:"true" desc:"Bearer token for the presence system."`
	CarrierURL        string        `split_words:"true" desc:"Carrier connector to ask which legs are up: GET {url}/calls/{callId}/legs. Empty for none: a leg whose end is lost then ends after LIFELINE_MAX_CALL_DURATION."`
	CarrierToken      string        `split_words:"true" desc:"Bearer token for the carrier connector."`
	LogLevel          string        `split_words:"true" default:"info" desc:"debug, info, warn or error."`
}

// Load reads the environment and fills in what depends on the data directory. The
// error names the variable that cannot be used.
func Load() (Config, error) {
	var c Config
	if err := envconfig.Process("lifeline", &c); err != nil {
		if bad, ok := errors.AsType[*envconfig.ParseError](err); ok {
			return c, fmt.Errorf("%s must be %s", bad.KeyName, shapeOf(bad.TypeName))
		}
		return c, fmt.Errorf("read configuration: %w", err)
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return c, fmt.Errorf("find LIFELINE_DATA_DIR: %w", err)
	}
	c.DataDir = dir
	if c.DatabaseURL == "" {
		c.DatabaseURL = filepath.Join(dir, "lifeline.db")
	}
	if c.MailDir == "" {
		c.MailDir = filepath.Join(dir, "mail")
	}
	return c, c.validate()
}

// shapeOf says how a value of a Go type is written.
func shapeOf(typeName string) string {
	if typeName == "time.Duration" {
		return "a duration, for example 90s or 60m"
	}
	return "a number, for example 0.8"
}

// validate refuses values that would break a promise to a caller.
func (c Config) validate() error {
	positive := map[string]time.Duration{
		"LIFELINE_LEASE_DURATION": c.LeaseDuration, "LIFELINE_DIAL_BUDGET": c.DialBudget,
		"LIFELINE_MAX_CALL_DURATION": c.MaxCallDuration, "LIFELINE_LOCATION_MAX_AGE": c.LocationMaxAge,
	}
	for name, value := range positive {
		if value <= 0 {
			return fmt.Errorf("%s must be longer than nothing", name)
		}
	}
	if c.CallbackGrace < 0 || c.NumberQuarantine < 0 {
		return errors.New("LIFELINE_CALLBACK_GRACE and LIFELINE_NUMBER_QUARANTINE must not be negative")
	}
	if !(c.PoolWarning > 0 && c.PoolWarning <= 1) {
		return errors.New("LIFELINE_POOL_WARNING must be above 0 and at most 1, such as 0.8")
	}
	if refused, ok := errors.AsType[*emergency.Invalid](c.DialPlan().Validate()); ok {
		return errors.New("LIFELINE_OUTSIDE_LINE_PREFIX " + refused.Problem)
	}
	if c.BuildID != "" && !buildID.MatchString(c.BuildID) {
		return errors.New("LIFELINE_BUILD_ID must be up to 100 letters, digits, dots, dashes and underscores, and begin with a letter or digit")
	}
	return c.validateNotices()
}

// buildID is what Temporal takes as the name of a release and a shell as a word.
var buildID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// validateNotices refuses settings under which nobody could be told.
func (c Config) validateNotices() error {
	if c.PublicURL != "" && !webAddress(c.PublicURL) {
		return errors.New("LIFELINE_PUBLIC_URL must be a URL such as https://lifeline.example.com")
	}
	if c.AckDeadline < 0 || c.AckEscalations < 0 || c.AckEscalations > maxEscalations {
		return fmt.Errorf("LIFELINE_ACK_DEADLINE must not be negative, and LIFELINE_ACK_ESCALATIONS must be 0 to %d", maxEscalations)
	}
	switch c.MailTransport {
	case "folder":
	case "smtp":
		if c.SMTPURL == "" {
			return errors.New("LIFELINE_MAIL_TRANSPORT=smtp needs LIFELINE_SMTP_URL")
		}
	case "sendgrid":
		if c.SendGridAPIKey == "" {
			return errors.New("LIFELINE_MAIL_TRANSPORT=sendgrid needs LIFELINE_SENDGRID_API_KEY")
		}
	default:
		return errors.New("LIFELINE_MAIL_TRANSPORT must be folder, smtp or sendgrid")
	}
	return nil
}

// Terms are the durations that new calls are placed under.
func (c Config) Terms() emergency.Terms {
	return emergency.Terms{
		Lease: c.LeaseDuration, Grace: c.CallbackGrace, MaxCall: c.MaxCallDuration, Quarantine: c.NumberQuarantine,
	}
}

// webAddress tells whether a browser could open an address.
func webAddress(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Hostname() != "" &&
		parsed.RawQuery == "" && parsed.Fragment == "" && parsed.User == nil
}

// maxEscalations keeps an emergency from flooding the people who are to help.
const maxEscalations = 10

// NoticePlan is how far the telling of people goes for new calls.
func (c Config) NoticePlan() emergency.NoticePlan {
	return emergency.NoticePlan{AcknowledgeWithin: c.AckDeadline, Escalations: c.AckEscalations, TellEnd: c.NotifyEnd, ByUse: true, Outlives: true}
}

// DialPlan is what the phone system adds to dialed numbers.
func (c Config) DialPlan() emergency.DialPlan {
	return emergency.DialPlan{OutsideLine: c.OutsideLinePrefix}
}

// PrintUsage documents every variable, for --help.
func PrintUsage(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	const format = `{{range .}}{{usage_key .}}	{{usage_default .}}	{{usage_description .}}
{{end}}`
	if err := envconfig.Usagef("lifeline", &Config{}, table, format); err != nil {
		return fmt.Errorf("print configuration: %w", err)
	}
	return table.Flush() //nolint:wrapcheck // writing to the terminal
}

// Secrets are what an installation makes for itself on first start. They lie in
// the data directory, readable by its owner alone, so that every process started
// with that directory finds the same ones.
type Secrets struct {
	PayloadKeys string `json:"payloadKeys"`
	Tokens      string `json:"tokens"`
}

const secretsFile = "secrets.json"

// ReadSecrets fills in, from the data directory, the tokens and keys that the
// environment does not set. Without such a file nothing is filled in.
func (c *Config) ReadSecrets() error {
	raw, err := os.ReadFile(filepath.Join(c.DataDir, secretsFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read secrets: %w", err)
	}
	var s Secrets
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("%s in the data directory is damaged; restore it from a backup", secretsFile)
	}
	if c.PayloadKeys == "" {
		c.PayloadKeys = s.PayloadKeys
	}
	if c.Tokens == "" {
		c.Tokens = s.Tokens
	}
	return nil
}

// MakeSecrets writes the first secrets of a data directory; when there are some
// already, they stay. The file appears whole or not at all.
func (c *Config) MakeSecrets(generate func() (Secrets, error)) error {
	path := filepath.Join(c.DataDir, secretsFile)
	if _, err := os.Stat(path); err == nil {
		return c.ReadSecrets()
	}
	s, err := generate()
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode secrets: %w", err)
	}
	if err := writeOnce(path, raw); err != nil {
		return fmt.Errorf("write secrets: %w", err)
	}
	return c.ReadSecrets()
}

// writeOnce makes a file that only its owner can read, unless it exists.
func writeOnce(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	defer os.Remove(file.Name()) //nolint:errcheck // a link to it stays
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("put file in place: %w", err)
	}
	return nil
}
