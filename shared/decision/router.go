package decision

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Router decides requests by one configuration.
type Router struct {
	config ghostconf.Config
	faults faults
}

// New makes a router of a ghost with these features. Records with problems are inert, as ghost treats them.
func New(config ghostconf.Config, features routing.Features) *Router {
	return &Router{config: config, faults: ghostconf.Validate(config, features)}
}

// Diagnostics are the problems of the configuration.
func (r *Router) Diagnostics() []ghostconf.Diagnostic { return r.faults }

// Decide says what becomes of a request.
func (r *Router) Decide(request Request) Decision {
	return r.Explain(request).Decision
}

// Explain says what becomes of a request, and of every other listener and match why it was not taken.
func (r *Router) Explain(request Request) Explanation {
	p, status, problem := parse(request)
	if status != 0 {
		return Explanation{Decision: Decision{Status: status, Reason: problem}}
	}
	index, listeners := r.listener(&p)
	explanation := Explanation{Listeners: listeners}
	if index < 0 {
		explanation.Decision = Decision{Status: http.StatusNotFound, Reason: "no listener on this socket has the host"}
		return explanation
	}
	listener := r.config.Listeners[index]
	if fault, broken := r.faults.among(at("listeners", index), "name", "socket", "port", "protocol", "needs"); broken {
		explanation.Decision = Decision{Listener: listener.Name, Status: http.StatusInternalServerError, Reason: fault.Message}
		return explanation
	}
	candidates := r.candidates(listener, p.host)
	chosen, verdicts := r.walk(&p, listener, candidates)
	explanation.Matches = append(verdicts, r.elsewhere(listener, p.host)...)
	if chosen == nil {
		explanation.Decision = Decision{Listener: listener.Name, Status: http.StatusNotFound, Reason: "no route of the listener matches"}
		return explanation
	}
	explanation.Decision = r.serve(&p, listener, chosen)
	return explanation
}

// listener gives the index of the listener with the most specific hostname of those on the request's socket, or -1, and
// a verdict on each listener.
func (r *Router) listener(p *parsed) (chosen int, verdicts []ListenerVerdict) {
	chosen = -1
	verdicts = make([]ListenerVerdict, len(r.config.Listeners))
	for i, listener := range r.config.Listeners {
		verdicts[i] = ListenerVerdict{Name: listener.Name, Socket: listener.Socket, Hostname: listener.Hostname}
		verdicts[i].Why = r.listenerMisfit(i, p)
		if verdicts[i].Why != "" {
			continue
		}
		if chosen < 0 || compareSpecificity(listener.Hostname, r.config.Listeners[chosen].Hostname) < 0 {
			chosen = i
		}
	}
	for i := range verdicts {
		verdicts[i].Chosen = i == chosen
		if verdicts[i].Why == "" && i != chosen {
			verdicts[i].Why = fmt.Sprintf("listener %s has a more specific hostname for %s", r.config.Listeners[chosen].Name, p.host)
		}
	}
	return chosen, verdicts
}

func (r *Router) listenerMisfit(index int, p *parsed) string {
	listener := r.config.Listeners[index]
	if listener.Socket != p.Socket {
		return fmt.Sprintf("it listens on %s, not on %s", listener.Socket, p.Socket)
	}
	if fault, broken := r.faults.at("listeners[%d].hostname", index); broken {
		return fault.Message
	}
	if listener.Hostname != "" && !routing.HostnameMatches(listener.Hostname, p.host) {
		return fmt.Sprintf("its hostname %s does not match %s", listener.Hostname, p.host)
	}
	return ""
}

// compareSpecificity orders hostnames from the most to the least specific: exact, the longest wildcard, none.
func compareSpecificity(a, b string) int {
	return cmp.Or(-cmp.Compare(hostClass(a), hostClass(b)), -cmp.Compare(len(a), len(b)))
}

func hostClass(hostname string) int {
	switch {
	case hostname == "":
		return 0
	case strings.HasPrefix(hostname, "*"):
		return 1
	}
	return 2
}

// candidate is a match under one of the hostnames that its route has at the listener.
type candidate struct {
	hostname           string
	route, rule, match int
	rank               routing.Rank
}

// candidates are all matches whose route is attached to the listener for a host, in the order in which they are tried.
func (r *Router) candidates(listener ghostconf.Listener, host string) []candidate {
	var candidates []candidate
	for i, route := range r.config.Routes {
		for _, hostname := range r.attachedHostnames(i, listener, host) {
			for j, rule := range route.Rules {
				for k, match := range rule.Matches {
					candidates = append(candidates, candidate{hostname, i, j, k, match.Rank})
				}
			}
		}
	}
	slices.SortStableFunc(candidates, func(a, b candidate) int {
		return cmp.Or(compareSpecificity(a.hostname, b.hostname), a.rank.Compare(b.rank))
	})
	return candidates
}

// attachedHostnames are the hostnames for which a route is attached to the listener and that match the host; "" stands for
// every host.
func (r *Router) attachedHostnames(route int, listener ghostconf.Listener, host string) []string {
	var hostnames []string
	for i, attachment := range r.config.Routes[route].Attachments {
		if attachment.Listener != listener.Name {
			continue
		}
		if len(attachment.Hostnames) == 0 {
			hostnames = append(hostnames, "")
		}
		for j, hostname := range attachment.Hostnames {
			_, broken := r.faults.at("routes[%d].attachments[%d].hostnames[%d]", route, i, j)
			if !broken && routing.HostnameMatches(hostname, host) {
				hostnames = append(hostnames, hostname)
			}
		}
	}
	return hostnames
}

func at(field string, index int) string { return fmt.Sprintf("%s[%d]", field, index) }
