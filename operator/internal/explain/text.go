package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/varnish-gateway/gateway/shared/decision"
)

// Write shows an explanation to a person.
func (e Explanation) Write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	d := e.Decision
	fmt.Fprintf(w, "request\t%s %s (Host: %s, socket %s)\n", e.Request.Method, e.Request.Target, e.Request.Host, e.Request.Socket)
	fmt.Fprintf(w, "gateway\t%s\n", e.Gateway)
	if d.Listener != "" {
		fmt.Fprintf(w, "listener\t%s\n", e.listener(d.Listener))
	}
	if d.Rule != "" {
		fmt.Fprintf(w, "route\tHTTPRoute %s (%s)\n", d.Route, e.Rules[d.Rule].Source)
		fmt.Fprintf(w, "rule\t%s\n", e.field(d.Rule, d.Match))
	}
	if d.Status != 0 {
		fmt.Fprintf(w, "answer\t%s\n", answer(d.Status, d.Location, d.Reason))
	}
	e.writeBackends(w)
	if e.Caching != nil {
		e.Caching.write(w)
	}
	if e.hasInvalidBackend() {
		for _, why := range e.Unresolved {
			fmt.Fprintf(w, "references\t%s\n", why)
		}
	}
	e.writeOthers(w)
	return w.Flush()
}

func (e Explanation) listener(name string) string {
	for _, l := range e.Listeners {
		if l.Name == name && l.Hostname != "" {
			return name + " (" + l.Hostname + ")"
		}
	}
	return name + " (every host)"
}

func (e Explanation) field(rule string, match int) string {
	return fmt.Sprintf("spec.rules[%d].matches[%d] (%s)", e.Rules[rule].Index, match, rule)
}

func answer(status int, location, reason string) string {
	text := fmt.Sprintf("%d by the gateway itself", status)
	if location != "" {
		text += ", Location: " + location
	}
	if reason != "" {
		text += ": " + reason
	}
	return text
}

func (e Explanation) hasInvalidBackend() bool {
	return slices.ContainsFunc(e.Decision.Backends, func(b decision.Backend) bool { return b.Service == "" })
}

func (e Explanation) writeBackends(w io.Writer) {
	var sum int64
	for _, b := range e.Decision.Backends {
		sum += int64(b.Weight)
	}
	for _, b := range e.Decision.Backends {
		name := b.Service
		if name == "" {
			name = "an invalid backendRef"
		}
		fmt.Fprintf(w, "backend\t%.4g%% (weight %d)  %s\n", 100*float64(b.Weight)/float64(sum), b.Weight, name)
		if b.Status != 0 {
			fmt.Fprintf(w, "\t%s\n", answer(b.Status, b.Location, b.Reason))
			continue
		}
		fmt.Fprintf(w, "\tendpoints %s\n", addresses(b))
		fmt.Fprintf(w, "\tis sent %s %s, Host: %s\n", b.Upstream.Method, b.Upstream.Target, b.Upstream.Host)
		for _, h := range b.Upstream.Headers {
			fmt.Fprintf(w, "\t  %s: %s\n", h.Name, h.Value)
		}
		for _, h := range b.Response(nil) {
			fmt.Fprintf(w, "\tits answer gets %s: %s\n", h.Name, h.Value)
		}
	}
}

func addresses(b decision.Backend) string {
	var list []string
	for _, e := range b.Endpoints {
		list = append(list, fmt.Sprintf("%s:%d", e.Address, e.Port))
	}
	return strings.Join(list, ", ")
}

// writeOthers says of every other listener, match and route why it was not taken.
func (e Explanation) writeOthers(w io.Writer) {
	first := true
	for _, l := range e.Listeners {
		if !l.Chosen {
			heading(w, &first)
			fmt.Fprintf(w, "  listener %s\t%s\n", l.Name, l.Why)
		}
	}
	for _, m := range e.Matches {
		if !m.Chosen {
			heading(w, &first)
			fmt.Fprintf(w, "  %s %s\t%s\n", m.Route, e.short(m), m.Why)
		}
	}
	for _, l := range e.LeftOut {
		heading(w, &first)
		object := l.Object
		if l.Source.File != "" {
			object += " (" + l.Source.String() + ")"
		}
		fmt.Fprintf(w, "  %s\t%s\n", object, strings.Join(l.Why, "; "))
	}
}

func heading(w io.Writer, first *bool) {
	if *first {
		fmt.Fprintln(w, "\nwhy not the others")
	}
	*first = false
}

func (e Explanation) short(m decision.MatchVerdict) string {
	return fmt.Sprintf("rules[%d].matches[%d]", e.Rules[m.Rule].Index, m.Match)
}
