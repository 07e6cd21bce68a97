package decision

import (
	"fmt"
	"strings"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Explanation is a decision with a verdict on everything that could have been chosen.
type Explanation struct {
	Decision Decision `json:"decision"`
	// Listeners in the order of the configuration.
	Listeners []ListenerVerdict `json:"listeners"`
	// Matches of the chosen listener in the order in which they are tried, then those that could not be reached, in the
	// order of the configuration.
	Matches []MatchVerdict `json:"matches"`
}

// ListenerVerdict says whether a listener was chosen, and why not.
type ListenerVerdict struct {
	Name     string `json:"name"`
	Socket   string `json:"socket"`
	Hostname string `json:"hostname"`
	Chosen   bool   `json:"chosen"`
	// Why is empty for the chosen one.
	Why string `json:"why"`
}

// MatchVerdict says whether a match was chosen, and why not.
type MatchVerdict struct {
	// Route is "namespace/name", Rule the rule's ID, Match the index of the match in it.
	Route string `json:"route"`
	Rule  string `json:"rule"`
	Match int    `json:"match"`
	// Hostname under which the match was tried; empty for every host, and where it could not be reached.
	Hostname string `json:"hostname"`
	Chosen   bool   `json:"chosen"`
	// Why is empty for the chosen one.
	Why string `json:"why"`
}

// walk tries candidates in order and gives the first that fits, with a verdict on each.
func (r *Router) walk(p *parsed, listener ghostconf.Listener, candidates []candidate) (chosen *candidate, verdicts []MatchVerdict) {
	for i := range candidates {
		c := &candidates[i]
		verdict := r.verdict(c.route, c.rule, c.match)
		verdict.Hostname = c.hostname
		verdict.Why = r.misfit(p, c)
		switch {
		case verdict.Why == "" && chosen == nil:
			chosen, verdict.Chosen = c, true
		case verdict.Why == "":
			verdict.Why = r.precedence(chosen, c)
		}
		verdicts = append(verdicts, verdict)
	}
	return chosen, verdicts
}

func (r *Router) verdict(route, rule, match int) MatchVerdict {
	record := &r.config.Routes[route]
	return MatchVerdict{Route: record.Key(), Rule: record.Rules[rule].ID, Match: match}
}

// precedence says why a match that fits comes after the chosen one.
func (r *Router) precedence(chosen, other *candidate) string {
	first := r.verdict(chosen.route, chosen.rule, chosen.match)
	if compareSpecificity(chosen.hostname, other.hostname) < 0 {
		return fmt.Sprintf("it fits, but rule %s of %s fits under the more specific hostname %s", first.Rule, first.Route, chosen.hostname)
	}
	return fmt.Sprintf("it fits, but rule %s of %s goes first", first.Rule, first.Route)
}

// elsewhere gives the verdicts on matches of routes that are not attached to the listener for this host.
func (r *Router) elsewhere(listener ghostconf.Listener, host string) []MatchVerdict {
	var verdicts []MatchVerdict
	for i, route := range r.config.Routes {
		if len(r.attachedHostnames(i, listener, host)) > 0 {
			continue
		}
		why := unattached(route, listener, host)
		for j, rule := range route.Rules {
			for k := range rule.Matches {
				verdict := r.verdict(i, j, k)
				verdict.Why = why
				verdicts = append(verdicts, verdict)
			}
		}
	}
	return verdicts
}

func unattached(route routing.Route, listener ghostconf.Listener, host string) string {
	var hostnames []string
	attached := false
	for _, attachment := range route.Attachments {
		if attachment.Listener == listener.Name {
			attached = true
			hostnames = append(hostnames, attachment.Hostnames...)
		}
	}
	if !attached {
		return fmt.Sprintf("the route is not attached to listener %s", listener.Name)
	}
	return fmt.Sprintf("none of the route's hostnames at listener %s (%s) matches %s", listener.Name, strings.Join(hostnames, ", "), host)
}
