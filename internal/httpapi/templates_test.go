package httpapi

const (
	templatePath  = "/v1/notification-template"
	plainTemplate = `{"subject":"Call {{call}}","html":"<p>\n\tCall {{call}}</p>","text":"Call {{call}}\r\n"}`
)
