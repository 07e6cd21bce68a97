package explain

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// choose finds the Gateway that is to be asked: the one that is named or, without a name, the only one that has the
// socket. An error says why there is none.
func choose(set *manifest.Set, result translate.Result, name, socket string) (translate.Gateway, report.Gateway, error) {
	if name != "" && !strings.Contains(name, "/") {
		name = metav1.NamespaceDefault + "/" + name
	}
	var found []int
	var names, why []string
	for i, g := range result.Gateways {
		id := g.Namespace + "/" + g.Name
		// Both lists are in the order of namespaces and names.
		status := result.Report.Gateways[i]
		switch {
		case name != "" && id != name:
		case name == "" && !opens(g, socket):
			why = append(why, silent(set, status, socket)...)
		case g.SettingsUnknown:
			why = append(why, fmt.Sprintf("Gateway %s cannot be taken: %s", id, report.Find(status.Conditions, string(gatewayv1.GatewayConditionAccepted))))
		default:
			found, names = append(found, i), append(names, id)
		}
	}
	switch {
	case len(found) == 1:
		return result.Gateways[found[0]], result.Report.Gateways[found[0]], nil
	case len(found) > 1:
		return none("several Gateways have socket %s: %s; name one with --gateway", socket, strings.Join(names, ", "))
	case len(why) > 0:
		return none("%s", strings.Join(why, "; "))
	case name != "":
		return none("there is no Gateway %s of ours", name)
	case len(result.Gateways) == 0:
		return translate.Gateway{}, report.Gateway{}, errors.New("there is no Gateway of ours")
	}
	return none("no Gateway has a listener for %s on port %s; there are %s", scheme(socket), port(socket), sockets(result.Gateways))
}

func none(format string, args ...any) (translate.Gateway, report.Gateway, error) {
	return translate.Gateway{}, report.Gateway{}, fmt.Errorf(format, args...)
}

// silent says of each listener that is meant for the socket why it does not open it.
func silent(set *manifest.Set, status report.Gateway, socket string) []string {
	var why []string
	for _, g := range manifest.Of[*gatewayv1.Gateway](set) {
		if g.Namespace != status.Namespace || g.Name != status.Name {
			continue
		}
		for _, l := range g.Spec.Listeners {
			if strings.EqualFold(string(l.Protocol), scheme(socket)) && strconv.Itoa(int(l.Port)) == port(socket) {
				why = append(why, fmt.Sprintf("listener %s of Gateway %s/%s does not serve: %s",
					l.Name, g.Namespace, g.Name, strings.Join(faults(listenerNamed(status, string(l.Name))), "; ")))
			}
		}
	}
	return why
}

func listenerNamed(status report.Gateway, name string) []report.Condition {
	for _, l := range status.Listeners {
		if l.Name == name {
			return l.Conditions
		}
	}
	return nil
}

func opens(g translate.Gateway, socket string) bool {
	for _, s := range g.Sockets {
		if s.Name() == socket {
			return true
		}
	}
	return false
}

func scheme(socket string) string { s, _, _ := strings.Cut(socket, "-"); return s }
func port(socket string) string   { _, p, _ := strings.Cut(socket, "-"); return p }

func sockets(gateways []translate.Gateway) string {
	var all []string
	for _, g := range gateways {
		for _, s := range g.Sockets {
			all = append(all, scheme(s.Name())+" on "+strconv.Itoa(int(s.Port)))
		}
	}
	if len(all) == 0 {
		return "none at all"
	}
	return strings.Join(all, ", ")
}
