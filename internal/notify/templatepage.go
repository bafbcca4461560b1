package notify

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// page is what a reader gets of an HTML document.
type page struct {
	// visible is the text that can be seen, with single spaces.
	visible string
	// links are where links lead that have a text to be seen.
	links []string
}

// unseenElements are those whose content no reader sees, whatever the style says.
var unseenElements = []string{"head", "noscript", "script", "style", "template", "textarea", "title"}

// readPage reads a document as browsers do.
func readPage(document string) page {
	root, err := html.ParseWithOptions(strings.NewReader(document), html.ParseOptionEnableScripting(false))
	if err != nil { // only what reads from a file or a network fails
		return page{}
	}
	var text strings.Builder
	var seen page
	seen.read(root, look{}, &text)
	seen.visible = spaced(text.String())
	return seen
}

// read goes through a node and all in it.
func (p *page) read(node *html.Node, around look, text *strings.Builder) {
	if node.Type == html.TextNode && !around.hidden() {
		text.WriteString(node.Data)
	}
	if node.Type == html.ElementNode {
		if slices.Contains(unseenElements, node.Data) {
			return
		}
		around = around.of(node)
		if before := text.Len(); node.Data == "a" {
			defer func() {
				if spaced(text.String()[before:]) != "" {
					p.links = append(p.links, attributeOf(node, "href"))
				}
			}()
		}
		text.WriteByte(' ')
		defer text.WriteByte(' ')
	}
	for child := node.FirstChild; child != nil; child = child.NextSibling {
		p.read(child, around, text)
	}
}

func attributeOf(node *html.Node, name string) string {
	for _, attribute := range node.Attr {
		if attribute.Key == name {
			return attribute.Val
		}
	}
	return ""
}

// look is what an element looks like, with what it has from those around it.
type look struct {
	// gone is for good; invisible and tiny can be undone further in.
	gone, invisible, tiny bool
	// color and background are empty while they are not known.
	color, background string
}

// hidden tells whether text that looks like this cannot be read.
func (l look) hidden() bool {
	return l.gone || l.invisible || l.tiny || l.color != "" && alike(l.color, l.background) || l.color == transparent
}

// of is how an element looks within another.
func (l look) of(node *html.Node) look {
	for _, attribute := range node.Attr {
		switch attribute.Key {
		case "hidden":
			l.gone = true
		case "bgcolor":
			l.background = colorOf(attribute.Val)
		case "width", "height":
			l.gone = l.gone || nothing(attribute.Val)
		case "text":
			if node.Data == "body" {
				l.color = colorOf(attribute.Val)
			}
		case "color":
			if node.Data == "font" {
				l.color = colorOf(attribute.Val)
			}
		}
	}
	return l.styled(declarations(attributeOf(node, "style")))
}
