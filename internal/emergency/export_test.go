package emergency

// Forms are what the dial-plan check tries for a number.
func (p DialPlan) Forms(country Country, number string) []string { return p.forms(country, number) }

// Advised is the pattern that the dial-plan check advises.
func (p DialPlan) Advised(country Country) string { return p.advised(country) }
