package dial

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
	"lifeline/internal/store"
)

// Intent is what an answer has promised although SQL did not take it. SQL gets it
// later, in the order in which one call's intents came (B7). One of its fields is set.
//
// Its JSON lies in spools, which a later version of the program must still read.
type Intent struct {
	// Placed is a dial, with the number that the PSAP saw.
	Placed *store.Placement `json:"placed,omitempty"`
	// Ended is the end of a leg.
	Ended *store.Ending `json:"ended,omitempty"`
	// Callback is a call that was connected to an agent.
	Callback *store.Answered `json:"callback,omitempty"`
	// Refused is a dial that could not work, of which people are told.
	Refused *emergency.RefusedCall `json:"refused,omitempty"`
}

// call is the call that the intent belongs to.
func (i Intent) call() emergency.CallID {
	switch {
	case i.Placed != nil:
		return i.Placed.CallID
	case i.Ended != nil:
		return i.Ended.CallID
	case i.Callback != nil:
		return i.Callback.CallID
	case i.Refused != nil:
		return i.Refused.CallID
	default:
		return ""
	}
}

// at is when it was answered.
func (i Intent) at() time.Time {
	switch {
	case i.Placed != nil:
		return i.Placed.At
	case i.Ended != nil:
		return i.Ended.At
	case i.Callback != nil:
		return i.Callback.At
	case i.Refused != nil:
		return i.Refused.At
	default:
		return time.Time{}
	}
}

// what names the intent in a log, where nothing of a person may stand.
func (i Intent) what() string {
	switch {
	case i.Placed != nil:
		return "dial"
	case i.Ended != nil:
		return "end"
	case i.Callback != nil:
		return "callback"
	default:
		return "refusal"
	}
}

func decodeIntent(record []byte) (Intent, error) {
	var i Intent
	if err := json.Unmarshal(record, &i); err != nil {
		return i, fmt.Errorf("read a record of the spool: %w", err)
	}
	if i.call() == "" {
		return i, errors.New("a record of the spool names no call")
	}
	return i, nil
}
