package notify

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// What no reader sees does not count as told, in whatever way it is hidden (B8).
func TestHiddenTextIsNotTold(t *testing.T) {
	for _, hiding := range []string{
		`<p hidden>NUMBER</p>`, `<div hidden><p>NUMBER</p></div>`, `<!-- NUMBER -->`, `<title>NUMBER</title>`, `<style>p{color:red;}/*NUMBER*/</style>`,
		`<p style="display:none">NUMBER</p>`, `<p style="DISPLAY : None !important">NUMBER</p>`, `<p style="display:/**/none">NUMBER</p>`,
		`<p style="visibility:hidden">NUMBER</p>`, `<p style="visibility:collapse"><b>NUMBER</b></p>`, `<p style="content-visibility:hidden">NUMBER</p>`,
		`<p style="font-size:0">NUMBER</p>`, `<p style="font-size:0px;color:#000">NUMBER</p>`, `<p style="font-size:.5px">NUMBER</p>`, `<p style="font-size:1px">NUMBER</p>`,
		`<p style="font-size:0"><b style="font-size:2em">NUMBER</b></p>`, `<p style="font:0/0 a">NUMBER</p>`, `<p style="font:bold 0px Arial">NUMBER</p>`,
		`<p style="opacity:0">NUMBER</p>`, `<p style="opacity:0.0">NUMBER</p>`, `<p style="opacity:.05">NUMBER</p>`, `<p style="opacity:0%">NUMBER</p>`,
		`<p style="width:0;overflow:hidden">NUMBER</p>`, `<p style="height:0px;overflow:hidden">NUMBER</p>`, `<p style="max-height:0">NUMBER</p>`, `<p style="line-height:0">NUMBER</p>`,
		`<table><tr><td width="0">NUMBER</td></tr></table>`, `<table height="0px"><tr><td>NUMBER</td></tr></table>`,
		`<p style="color:hsl(0 0% 100%)">NUMBER</p>`, `<p style="color:lab(100% 0 0);background:#fff">NUMBER</p>`, `<p style="color:#fefefe;background:#fff">NUMBER</p>`,
		`<p style="color:#fff;background:#ffffff">NUMBER</p>`, `<p style="color:white;background-color:#FFF">NUMBER</p>`, `<p style="background:rgb(255, 255, 255);color:white">NUMBER</p>`,
		`<p style="background:#fff no-repeat"><span style="color:#FFFFFF">NUMBER</span></p>`, `<p style="color:red"><b style="background:#f00">NUMBER</b></p>`,
		`<table bgcolor="#fff"><tr><td><font color="white">NUMBER</font></td></tr></table>`,
		`<p style="color:transparent">NUMBER</p>`, `<p style="color:rgba(0,0,0,0)">NUMBER</p>`, `<p style="color:#0000">NUMBER</p>`, `<p style="color:#12345600">NUMBER</p>`,
		`<p style="text-indent:-9999px">NUMBER</p>`, `<p style="position:absolute;left:-1000px">NUMBER</p>`, `<p style="margin:0 0 0 -999em">NUMBER</p>`,
		`<p style="clip:rect(0,0,0,0)">NUMBER</p>`, `<p style="clip-path:inset(100%)">NUMBER</p>`, `<p style="transform:scale(0)">NUMBER</p>`, `<p style="filter:opacity(0)">NUMBER</p>`,
		`<p style="scale:0">NUMBER</p>`, `<p style="translate:-999px">NUMBER</p>`, `<p style="position:fixed;top:200vh">NUMBER</p>`, `<p style="letter-spacing:-1em">NUMBER</p>`,
		`<p style="font-size:calc(0px)">NUMBER</p>`, `<p style="font-family:Wingdings">NUMBER</p>`, "<p>\u202eNUMBER\u202c</p>", "<p>\u202d<b>NUMBER</b>\u202c</p>",
		`<p style="mso-hide:all">NUMBER</p>`, `<p style="unicode-bidi:bidi-override;direction:rtl">NUMBER</p>`,
	} {
		t.Run(hiding, func(t *testing.T) {
			shown := strings.Replace(hiding, "NUMBER", "{{.Number}}", 1)
			before, _, _ := strings.Cut(shown, "{{")
			wrong{"", partHTML, shown + strings.Replace(shortest().HTML, "{{.Number}}", "", 1), 1, utf8.RuneCountInString(before) + 1, "lacks the callback number (.Number)"}.check(t)
		})
	}
}

// What every reader sees counts, however it is styled.
func TestStyledTextIsTold(t *testing.T) {
	for _, style := range []string{
		`<p style="display:block;visibility:visible;opacity:1;font-size:12px;width:100%;height:auto;max-width:600px">NUMBER</p>`,
		`<p style="font-size:0"><b style="font-size:16px">NUMBER</b></p>`, `<p style="visibility:hidden"><b style="visibility:visible">NUMBER</b></p>`,
		`<p style="color:#fff;background:#000">NUMBER</p>`, `<p style="color:#fff;background:#fff"><b style="color:#000">NUMBER</b></p>`,
		`<p style="opacity:0.9;line-height:1.05;margin:-1px 0 -10px">NUMBER</p>`, `<p style="clip:auto;transform:none;filter:none">NUMBER</p>`,
		`<table width="100%" bgcolor="black"><tr><td height="20"><font color="white" size="5">NUMBER</font></td></tr></table>`,
		`<p style="border-width:0;padding:0;margin:0;text-indent:0;left:0">NUMBER</p>`, `<p style="max-height:0.5em">NUMBER</p>`, `<p style="color:rgba(0,0,0,.5)">NUMBER</p>`,
		`<body text="#000000" bgcolor="#ffffff"><p>NUMBER</p></body>`, `<p style="mso-hide:none;font:bold 16px/20px Arial">NUMBER</p>`, `<p>NUMBER<!-- a > b --></p>`,
		`<p style="scale:none;translate:none;position:relative;letter-spacing:.05em;font-family:Arial,sans-serif">NUMBER</p>`, "<p>\u202eא\u202c NUMBER</p>",
	} {
		template := shortest()
		template.HTML = strings.Replace(template.HTML, "{{.Number}}", "", 1)
		if err := CheckTemplate(template); err == nil {
			t.Fatal("it is told without")
		}
		template.HTML = strings.Replace(style, "NUMBER", "{{.Number}}", 1) + template.HTML
		if err := CheckTemplate(template); err != nil {
			t.Errorf("%s: %v", style, err)
		}
	}
}

// Nobody can press a link that has no text, or none that can be seen (B9).
func TestLinkWithoutTextIsNotThere(t *testing.T) {
	for _, text := range []string{"", " &nbsp; ", "<b></b>", `<b style="display:none">Seen</b>`, "<!-- Seen -->"} {
		t.Run(text, func(t *testing.T) {
			template := shortest()
			template.HTML = strings.Replace(template.HTML, ">Seen<", ">"+text+"<", 1)
			if err := CheckTemplate(template); err == nil || !strings.Contains(err.Error(), "AcknowledgeURL") {
				t.Errorf("the error is %v", err)
			}
			template.HTML = strings.Replace(template.HTML, ">"+text+"</a>", ">"+text+"<b>Seen</b></a>", 1)
			if err := CheckTemplate(template); err != nil {
				t.Errorf("with a text: %v", err)
			}
		})
	}
}

// A style that depends on the notice hides in some, and is found (B8).
func TestTextThatIsHiddenInSomeNotices(t *testing.T) {
	shown := `<p style="{{if .Callback}}display:none{{end}}">{{.Number}}</p>`
	wrong{
		"", partHTML, shown + strings.Replace(shortest().HTML, "{{.Number}}", "", 1), 1, 48,
		`lacks the callback number (.Number) where a reader sees it, in the sample "callback"`,
	}.check(t)
}

// A style sheet that hides is refused, since mail programs heed different rules of it; so
// is whatever a style loads or runs.
func TestCheckTemplateRefusesStyles(t *testing.T) {
	checkAll(t, []wrong{
		{"a sheet that hides", partHTML, "+\n<style>\np { color: red }\n.a { display: none }\n</style>", 5, 1, "has a style sheet that hides what it applies to"},
		{"a sheet that hides on small screens", partHTML, "+<style>@media (max-width:600px) { .a { font-size:0 } }</style>", 1, 55, "has a style sheet that hides"},
		{"a sheet of one colour", partHTML, "+<style>p{color:#fff;background:white}</style>", 1, 38, "has a style sheet that hides"},
		{"a sheet from elsewhere", partHTML, "+<style>@import 'https://example.com/a.css';</style>", 1, 44, "has a style that loads something"},
		{"a picture", partHTML, `+<p style="background:url(https://example.com/x.png)">a</p>`, 1, 1, "has a style that loads something"},
		{"a picture in capitals and comments", partHTML, `+<p style="background:U/**/RL(x.png)">a</p>`, 1, 1, "has a style that loads something"},
		{"a property in other letters", partHTML, `+<p style="d\69splay:none">a</p>`, 1, 1, "has a style with a backslash"},
		{"a program", partHTML, `+<p style="width:expression(alert(1))">a</p>`, 1, 1, "has a style with a program"},
	})
}

// Links that run, or lead nowhere, are refused, and so is whatever runs, asks for
// something, or tells somebody else that a notice is read (S18).
func TestCheckTemplateRefusesWhatIsNoLetter(t *testing.T) {
	const loads = "which mail programs do not load, or tell others by loading that the notice is read"
	all := []wrong{
		{"a program for a link", partHTML, `+<a href="javascript:alert(1)">a</a>`, 1, 1, `has a link to "javascript:alert(1)"; links begin with https:, http:, mailto:, tel:, sms:, geo:`},
		{"a program in capitals and spaces", partHTML, "+<a href=\" \tJavaScript\n:alert(1)\">a</a>", 1, 1, "has a link to"},
		{"a program in other letters", partHTML, `+<a href="&#106;avascript&colon;alert(1)">a</a>`, 1, 1, "has a link to"},
		{"a document in a link", partHTML, `+<a href="data:text/html,a">a</a>`, 1, 1, "has a link to"},
		{"another language", partHTML, `+<a href="vbscript:a">a</a>`, 1, 1, "has a link to"},
		{"a file", partHTML, `+<a href="file:///etc/passwd">a</a>`, 1, 1, "has a link to"},
		{"a link to no place", partHTML, `+<a href="/board">a</a>`, 1, 1, "has a link to"},
		{"a picture", partHTML, `+<img src="https://example.com/x.png">`, 1, 1, "has a <img>, " + loads},
		{"a picture in itself", partHTML, `+<img src="data:image/png;base64,AAAA">`, 1, 1, "has a <img>"},
		{"a background", partHTML, `+<table background="https://example.com/x.png"></table>`, 1, 1, "has a <table> with background, " + loads},
		{"somebody who hears of a click", partHTML, `+<a ping="https://example.com/" href="https://example.com">a</a>`, 1, 1, "has a <a> with ping, " + loads},
		{"another page", partHTML, `+<meta http-equiv="refresh" content="0;url=https://example.com">`, 1, 1, "has a <meta> with http-equiv"},
		{"something for an event", partHTML, `+<p onmouseover="a()">a</p>`, 1, 1, "has a <p> with onmouseover, which no mail program runs"},
	}
	for name := range strings.FieldsSeq("script form iframe object embed applet base frameset noscript template textarea select button dialog details xmp plaintext bdo marquee math x-a") {
		all = append(all, wrong{name, partHTML, "+<" + name + "></" + name + ">", 1, 1, "has a <" + name + ">, which no mail program shows, or not all of them"})
	}
	for name := range strings.FieldsSeq("input link svg video audio picture source image track") {
		all = append(all, wrong{name, partHTML, "+<" + name + ">", 1, 1, "has a <" + name + ">, " + loads})
	}
	checkAll(t, all)
}
