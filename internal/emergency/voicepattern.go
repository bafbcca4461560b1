package emergency

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
)

// compilePattern reads a rule's pattern. The error is an *Invalid for the field.
func compilePattern(field, pattern string) (*regexp.Regexp, error) {
	if pattern == "" || len(pattern) > maxPattern {
		return nil, &Invalid{field, "must be 1 to 256 characters long"}
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, &Invalid{field, "is no regular expression: " + whyNot(err)}
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxSteps {
		return nil, &Invalid{field, "repeats too much"}
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, &Invalid{field, "is no regular expression: " + whyNot(err)}
	}
	return compiled, nil
}

// whyNot is what regexp/syntax says, without the pattern.
func whyNot(err error) string {
	if broken, ok := errors.AsType[*syntax.Error](err); ok {
		return broken.Code.String()
	}
	return "it cannot be read"
}

// groupReference is how a rewrite names a group, as package regexp reads it: $1a means
// the group 1a, and ${1}a the first one before an a.
var groupReference = regexp.MustCompile(`\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})`)

// checkRewrite refuses a rewrite with a group that its pattern does not have: the phone
// system would leave it out, and ring somebody else.
func checkRewrite(field, rewrite string, pattern *regexp.Regexp) error {
	if len(rewrite) > maxPattern {
		return &Invalid{field, "must be at most 256 characters long"}
	}
	groups := []string{""}
	for i, name := range pattern.SubexpNames() {
		groups = append(groups, strconv.Itoa(i), name)
	}
	for _, reference := range groupReference.FindAllStringSubmatch(rewrite, -1) {
		if group := reference[1] + reference[2]; !slices.Contains(groups, group) {
			return &Invalid{field, "names the group $" + group + ", which the pattern does not have; write ${1}2 for the first one before a 2"}
		}
	}
	return nil
}
