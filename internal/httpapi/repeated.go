package httpapi

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// nesting is an object or a list that has been begun, on the way through a body.
type nesting struct {
	// seen are the fields of an object so far; nil in a list.
	seen map[string]bool
	// at is the field or the index of the value that is being read, and next the index
	// behind it.
	at   string
	next int
	// named tells that a field's name has been read, and not its value.
	named bool
}

// step comes to the next token of what the nesting holds. It is true for a name that the
// object has had before.
func (n *nesting) step(token json.Token) (repeated bool) {
	switch {
	case n.seen == nil:
		n.at = strconv.Itoa(n.next)
		n.next++
	case n.named:
		n.named = false
	default:
		n.at, _ = token.(string)
		repeated = n.seen[n.at]
		n.seen[n.at], n.named = true, true
	}
	return repeated
}

// repeatedField is the way to the first field that its object has twice, escapes and all:
// encoding/json would take the last value, and whoever wrote the first would not hear
// that it was lost. The body is JSON, which bounds how deep it goes.
func repeatedField(data []byte) ([]string, bool) {
	var within []nesting
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, false // the end
		}
		end := token == json.Delim('}') || token == json.Delim(']')
		if end {
			within = within[:len(within)-1]
			continue
		}
		if len(within) > 0 && within[len(within)-1].step(token) {
			path := make([]string, 0, len(within))
			for _, each := range within {
				path = append(path, each.at)
			}
			return path, true
		}
		switch token {
		case json.Delim('{'):
			within = append(within, nesting{seen: map[string]bool{}})
		case json.Delim('['):
			within = append(within, nesting{})
		}
	}
}
