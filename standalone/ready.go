package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"lifeline/internal/config"
)

// printReady says where everything is, who may log in as what, how to place the first
// call, and how to see who could not.
func printReady(w io.Writer, cfg config.Config, took time.Duration) {
	api, webUI := "http://"+cfg.HTTPAddr, "http://"+cfg.TemporalUIAddr
	fmt.Fprintf(w, "\nLifeline is ready after %.1f s.\n\n", took.Seconds())
	fmt.Fprintf(w, "  API              %s\n", api)
	fmt.Fprintf(w, "  Temporal Web UI  %s\n", webUI)
	fmt.Fprintf(w, "  Data             %s\n", cfg.DataDir)
	if cfg.MailTransport == "folder" {
		fmt.Fprintf(w, "  E-mails          %s\n", cfg.MailDir)
	}
	fmt.Fprint(w, "\nOpen a link to log in; the supervisor then reads calls decrypted in the Web UI:\n\n")
	var dialer, supervisor string
	for entry := range strings.SplitSeq(cfg.Tokens, ",") {
		who, token, _ := strings.Cut(strings.TrimSpace(entry), ":")
		link := api + "/login#token=" + token
		if who == "supervisor" {
			link += "&next=" + webUI
			supervisor = token
		}
		fmt.Fprintf(w, "  %-16s %s\n", who, link)
		if dialer == "" && (who == "carrier" || who == "agent/agent-us") {
			dialer = token
		}
	}
	if dialer != "" {
		fmt.Fprintf(w, `
Place a call:

  curl -sS %s/v1/emergency-calls -H 'Authorization: Bearer %s' \
    -H 'Content-Type: application/json' -d '{"agentId":"agent-us","dialedNumber":"911"}'
`, api, dialer)
	}
	if supervisor != "" {
		fmt.Fprintf(w, `
See who could not call now, and why, and how long the callback numbers last:

  curl -sS %s/v1/readiness -H 'Authorization: Bearer %s'
`, api, supervisor)
	}
	fmt.Fprint(w, `
The embedded Temporal server is for trials; docs/production.md tells how to run Lifeline for real.
Ctrl-C stops everything; starting again goes on where it stopped.

`)
}
