package printer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/findings"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// tables of a report: GatewayClasses that are not as they should be, Gateways, their listeners, and what is attached to them.
func tables(r report.Report) []table {
	classes := table{kind: "GatewayClass", header: []string{"GATEWAYCLASS", "ACCEPTED"}, onlyNoted: true}
	for _, class := range r.GatewayClasses {
		classes.rows = append(classes.rows, row{
			name: class.Name, cells: []string{class.Name, state(class.Conditions, "Accepted")}, notes: notes(class.Conditions),
		})
	}
	gateways := table{kind: "Gateway", header: []string{"NAMESPACE", "GATEWAY", "ADDRESS", "ACCEPTED", "PROGRAMMED"}}
	listeners := table{kind: "listener", header: []string{"NAMESPACE", "GATEWAY", "LISTENER", "ATTACHED", "ACCEPTED", "RESOLVEDREFS", "PROGRAMMED"}}
	for _, g := range r.Gateways {
		gateways.rows = append(gateways.rows, row{
			name:  g.Namespace + "/" + g.Name,
			cells: []string{g.Namespace, g.Name, addresses(g), state(g.Conditions, "Accepted"), state(g.Conditions, "Programmed")},
			notes: notes(g.Conditions),
		})
		for _, l := range g.Listeners {
			listeners.rows = append(listeners.rows, listenerRow(g, l))
		}
	}
	tables := []table{classes, gateways, listeners}
	for _, kind := range inputs.AttachedKinds() {
		tables = append(tables, attached(kind, r.Attached()))
	}
	return tables
}

// attached is the table of the objects of a kind at each of those that they are attached to.
func attached(kind *inputs.Kind, objects []report.Attached) table {
	t := table{kind: kind.Name, header: []string{"NAMESPACE", strings.ToUpper(kind.Name), strings.ToUpper(kind.Attached.To)}}
	for _, column := range kind.Attached.Columns {
		t.header = append(t.header, strings.ToUpper(column))
	}
	for _, object := range objects {
		if object.Kind != kind.Name {
			continue
		}
		for _, entry := range object.Entries {
			to := refName(entry.Ref)
			r := row{
				name:  object.Namespace + "/" + object.Name + " at " + to,
				cells: []string{object.Namespace, object.Name, to}, notes: notes(entry.Conditions),
			}
			for _, column := range kind.Attached.Columns {
				r.cells = append(r.cells, state(entry.Conditions, column))
			}
			t.rows = append(t.rows, r)
		}
	}
	return t
}

func listenerRow(g report.Gateway, l report.Listener) row {
	return row{
		name: g.Namespace + "/" + g.Name + "/" + l.Name,
		cells: []string{
			g.Namespace, g.Name, l.Name, strconv.Itoa(int(l.AttachedRoutes)),
			state(l.Conditions, "Accepted"), state(l.Conditions, "ResolvedRefs"), state(l.Conditions, "Programmed"),
		},
		// Why nothing is programmed is said once, at the Gateway.
		notes: notes(slices.DeleteFunc(slices.Clone(l.Conditions), func(c report.Condition) bool {
			return c.Type == string(gatewayv1.ListenerConditionProgrammed)
		})),
	}
}

// refName is a reference in short: "namespace/gateway/listener:port", with what it names.
func refName(ref gatewayv1.ParentReference) string {
	name := string(ref.Name)
	if ref.Namespace != nil {
		name = string(*ref.Namespace) + "/" + name
	}
	if ref.SectionName != nil {
		name += "/" + string(*ref.SectionName)
	}
	if ref.Port != nil {
		name += fmt.Sprintf(":%d", *ref.Port)
	}
	return name
}

func addresses(g report.Gateway) string {
	var values []string
	for _, a := range g.Addresses {
		values = append(values, a.Value)
	}
	return strings.Join(values, ",")
}

func state(conditions []report.Condition, kind string) string {
	c := report.Find(conditions, kind)
	if c == nil {
		return string(metav1.ConditionUnknown)
	}
	return string(c.Status)
}

// notes are the conditions that say what somebody may want to know.
func notes(conditions []report.Condition) []string {
	var out []string
	for _, c := range conditions {
		if findings.Remarkable(c) {
			out = append(out, c.String())
		}
	}
	return out
}
