package emergency_test

import (
	"fmt"
	"testing"

	"lifeline/internal/emergency"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

// A number that an emergency service is to call back is an ordinary one: not free for
// the caller, and not dear (S4).
func TestCheckCallback(t *testing.T) {
	for number, right := range map[string]bool{
		"+12025550100": true, "+17875550100": true, "+16135550100": true, "+442079460100": true, "+4510000100": true,
		"+18005550100": false, "+18885550100": false, "+19005550100": false,
		"+448081570100": false, "+448431570100": false, "+448701570100": false, "+449098790100": false,
		"+4580000100": false, "+4590000100": false,
		// Too short or too long in a country served, or no number there.
		"+4510000": false, "+451000010": false, "+451000010512345": false, "+4599999": false, "+4501000010": false,
		"+1202555010": false, "+120255501000": false, "+11025550100": false, "+12020550100": false,
		"+44207946010": true, "+4420794601": false, "+44207946010000": false, "+4402079460100": false,
		// The same digits elsewhere in a number mean nothing.
		"+12028005550": true, "+442080000100": true, "+4520800090": true,
		// Nobody here knows the numbers of other countries.
		"+498005550100": true,
		"":              false, "911": false, "8005550100": false,
	} {
		err := emergency.CheckCallback("number", number)
		if blamed := field(t, err); (blamed == "") != right || !right && blamed != "number" {
			t.Errorf("%q: %v", number, err)
		}
	}
}

// The public data on numbers says the same as the table of each valid number of the
// countries served.
func TestCheckCallbackAgainstPublicData(t *testing.T) {
	for _, country := range everywhere {
		for kind, right := range map[phonenumbers.PhoneNumberType]bool{
			phonenumbers.TOLL_FREE: false, phonenumbers.PREMIUM_RATE: false, phonenumbers.FIXED_LINE: true, phonenumbers.MOBILE: true,
		} {
			example := phonenumbers.GetExampleNumberForType(string(country), kind)
			if example == nil {
				t.Errorf("no example of %v in %s", kind, country)
				continue
			}
			number := phonenumbers.Format(example, phonenumbers.E164)
			if err := emergency.CheckCallback("number", number); (err == nil) != right {
				t.Errorf("%s in %s: %v", number, country, err)
			}
		}
	}
	shape := rapid.StringMatching(`\+(1[2-9][0-9]{2}[2-9][0-9]{6}|44[1-9][0-9]{9}|45[1-9][0-9]{7})`)
	rapid.Check(t, func(t *rapid.T) {
		number := shape.Draw(t, "number")
		parsed, err := phonenumbers.Parse(number, "")
		if err != nil || !phonenumbers.IsValidNumber(parsed) {
			return
		}
		kind := phonenumbers.GetNumberType(parsed)
		service := kind == phonenumbers.TOLL_FREE || kind == phonenumbers.PREMIUM_RATE
		if err := emergency.CheckCallback("number", number); (err == nil) == service {
			t.Fatal(fmt.Sprint(number, " is of the kind ", kind, ": ", err))
		}
	})
}
