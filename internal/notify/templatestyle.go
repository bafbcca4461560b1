package notify

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// declaration is a property of a style and its value, both in small letters.
type declaration struct{ property, value string }

var styleComment = regexp.MustCompile(`(?s)/\*.*?\*/`)

// declarations reads what stands in a style attribute, or between the braces of a style
// sheet.
func declarations(style string) []declaration {
	var all []declaration
	for one := range strings.SplitSeq(styleComment.ReplaceAllString(strings.ToLower(style), ""), ";") {
		property, value, _ := strings.Cut(one, ":")
		value, _, _ = strings.Cut(value, "!")
		all = append(all, declaration{strings.TrimSpace(property), strings.TrimSpace(value)})
	}
	return all
}

// hiding are the properties that can take a text from its reader, and with which values.
// Of most it would take a browser to find out whether they do: what stands in such an
// element does not count as being seen.
var hiding = map[string]*regexp.Regexp{
	"clip":               regexp.MustCompile(`^[^a]`), // all but auto
	"clip-path":          regexp.MustCompile(`^[^n]`), // all but none
	"content-visibility": regexp.MustCompile(`^hidden$`),
	"display":            regexp.MustCompile(`^none$`),
	"filter":             regexp.MustCompile(`^[^n]`),
	"font-family":        regexp.MustCompile(`wingdings|webdings|symbol|dingbats`),
	"letter-spacing":     regexp.MustCompile(`^-`),
	"mask":               regexp.MustCompile(`^[^n]`),
	"mso-hide":           regexp.MustCompile(`^all$`),
	"opacity":            regexp.MustCompile(`^(0?\.0\d*|0|0?\.1|\d(\.\d+)?%)$`),
	"position":           regexp.MustCompile(`^fixed$`),
	"scale":              regexp.MustCompile(`^[^n]`),
	"transform":          regexp.MustCompile(`^[^n]`),
	"translate":          regexp.MustCompile(`^[^n]`),
	"unicode-bidi":       regexp.MustCompile(`override`),
	"text-indent":        farAway, "top": farAway, "right": farAway, "bottom": farAway, "left": farAway, "margin": farAway,
	"margin-top": farAway, "margin-right": farAway, "margin-bottom": farAway, "margin-left": farAway,
	"width": none, "height": none, "max-width": none, "max-height": none, "line-height": none,
}

var (
	farAway = regexp.MustCompile(`-\d{3,}|-\d+(em|rem|%|vw|vh)`)
	none    = regexp.MustCompile(`^(0|0?\.0*)([a-z]+|%)?$`)
)

// nothing tells whether a length is zero.
func nothing(length string) bool { return none.MatchString(strings.TrimSpace(strings.ToLower(length))) }

// styled is the look with a style's declarations.
func (l look) styled(style []declaration) look {
	for _, d := range style {
		if pattern := hiding[d.property]; pattern != nil && pattern.MatchString(d.value) {
			l.gone = true
		}
		switch d.property {
		case "visibility":
			l.invisible = d.value == "hidden" || d.value == "collapse"
		case "font-size":
			l.tiny = tooSmall(d.value, l.tiny)
		case "font":
			for size := range strings.FieldsSeq(strings.ReplaceAll(d.value, "/", " ")) {
				l.tiny = l.tiny || nothing(size)
			}
		case "color", "-webkit-text-fill-color":
			l.color = colorOf(d.value)
		case "background-color":
			l.background = colorOf(d.value)
		case "background":
			l.background = backgroundOf(d.value)
		}
	}
	return l
}

var fontSize = regexp.MustCompile(`^(\d*\.?\d+)(px|pt|em|rem|%)?$`)

// tooSmall tells whether nobody can read a text of a size, within one that somebody can
// or cannot.
func tooSmall(size string, around bool) bool {
	known := fontSize.FindStringSubmatch(size)
	if known == nil {
		return strings.Contains(size, "(") // it cannot be judged
	}
	number, _ := strconv.ParseFloat(known[1], 64)
	switch known[2] {
	case "em", "%":
		return around || number == 0
	case "rem":
		return number == 0
	default:
		return number < 5
	}
}

// transparent is a colour that cannot be seen on any background.
const transparent = "transparent"

// colorNames are the colours that are written by name most.
var colorNames = map[string]string{
	"black": "#000000", "silver": "#c0c0c0", "gray": "#808080", "grey": "#808080", "white": "#ffffff", "maroon": "#800000",
	"red": "#ff0000", "purple": "#800080", "fuchsia": "#ff00ff", "green": "#008000", "lime": "#00ff00", "olive": "#808000",
	"yellow": "#ffff00", "navy": "#000080", "blue": "#0000ff", "teal": "#008080", "aqua": "#00ffff", "orange": "#ffa500",
}

var (
	shortColor  = regexp.MustCompile(`^#([0-9a-f])([0-9a-f])([0-9a-f])([0-9a-f]?)$`)
	longColor   = regexp.MustCompile(`^#[0-9a-f]{6}(00)?$`)
	rgbColor    = regexp.MustCompile(`^rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*(?:[,/]\s*([\d.]+%?)\s*)?\)$`)
	colorInList = regexp.MustCompile(`#[0-9a-f]+|rgba?\([^)]*\)|[a-z]+`)
)

// colorOf writes a colour in one way, however it was written; a word that is not known stays
// as it is.
func colorOf(written string) string {
	written = strings.TrimSpace(strings.ToLower(written))
	if short := shortColor.FindStringSubmatch(written); short != nil {
		written = "#" + short[1] + short[1] + short[2] + short[2] + short[3] + short[3] + short[4] + short[4]
	}
	if named, ok := colorNames[written]; ok {
		return named
	}
	if rgb := rgbColor.FindStringSubmatch(written); rgb != nil {
		var parts [3]int
		for i, part := range rgb[1:4] {
			number, _ := strconv.Atoi(part)
			parts[i] = min(number, 255)
		}
		written = fmt.Sprintf("#%02x%02x%02x", parts[0], parts[1], parts[2])
		if rgb[4] != "" && strings.Trim(rgb[4], "0.%") == "" {
			return transparent
		}
	}
	if long := longColor.FindStringSubmatch(written); long != nil && long[1] != "" {
		return transparent
	}
	if strings.Contains(written, "(") {
		return transparent // it cannot be judged, so it does not count as seen
	}
	return written
}

// alike tells whether nobody could read one colour on the other.
func alike(a, b string) bool {
	if a == b {
		return true
	}
	var parts [6]int
	if _, err := fmt.Sscanf(a+b, "#%02x%02x%02x#%02x%02x%02x", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5]); err != nil {
		return false
	}
	difference := 0
	for i := range 3 {
		difference += max(parts[i]-parts[i+3], parts[i+3]-parts[i])
	}
	return difference < 3*32
}

// backgroundOf finds the colour among the parts of a background.
func backgroundOf(value string) string {
	for _, one := range colorInList.FindAllString(value, -1) {
		if color := colorOf(one); strings.HasPrefix(color, "#") {
			return color
		}
	}
	return ""
}

// styleProblem refuses what a style may not have. A backslash could spell any other.
func styleProblem(style string) string {
	style = styleComment.ReplaceAllString(strings.ToLower(style), "")
	switch {
	case strings.Contains(style, `\`):
		return "has a style with a backslash; write the character itself"
	case strings.Contains(style, "url("), strings.Contains(style, "@import"), strings.Contains(style, "image-set("):
		return "has a style that loads something, which mail programs do not, or tell others by it that the notice is read"
	case strings.Contains(style, "expression("), strings.Contains(style, "javascript:"), strings.Contains(style, "behavior:"):
		return "has a style with a program, which no mail program runs"
	}
	return ""
}

var styleBlock = regexp.MustCompile(`\{([^{}]*)\}`)

// sheetProblem refuses a style sheet that hides text: mail programs differ in which of its
// rules they heed, so that some readers would see what others do not.
func sheetProblem(sheet string) string {
	if problem := styleProblem(sheet); problem != "" {
		return problem
	}
	for _, block := range styleBlock.FindAllStringSubmatch(sheet, -1) {
		if (look{}).styled(declarations(block[1])).hidden() {
			return "has a style sheet that hides what it applies to; mail programs do not agree on where that is"
		}
	}
	return ""
}
