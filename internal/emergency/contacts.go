package emergency

import (
	"net/mail"
	"strings"
)

// maxRecipients bounds what one dial may send.
const maxRecipients = 50

// ParseRecipients reads the one field that an administrator types: addresses
// separated by semicolons (S17), with spaces and a trailing semicolon as people
// leave them. Repeated addresses are merged. The error is an *Invalid.
func ParseRecipients(field string) ([]string, error) {
	var addresses []string
	seen := map[string]bool{}
	for part := range strings.SplitSeq(field, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		parsed, err := mail.ParseAddress(part)
		if err != nil {
			return nil, &Invalid{"recipients", "has a part that is no e-mail address: " + part}
		}
		if key := strings.ToLower(parsed.Address); !seen[key] {
			seen[key] = true
			addresses = append(addresses, parsed.Address)
		}
	}
	if len(addresses) > maxRecipients {
		return nil, &Invalid{"recipients", "must be at most 50 addresses"}
	}
	return addresses, nil
}

// Contacts are an agent's recipients as they are kept (S17).
type Contacts struct {
	// AsTyped is the one field, as the administrator typed it.
	AsTyped string
	// Revision grows with every change; zero while nobody has typed anything.
	Revision int64
}
