package featuretest

import (
	"fmt"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// printer writes a result in a form that a reader can check line by line.
type printer struct {
	strings.Builder
	show map[string]bool
}

func (p *printer) line(depth int, format string, args ...any) {
	p.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(p, format, args...)
	p.WriteByte('\n')
}

// result prints what the case is about.
func (p *printer) result(result translate.Result) error {
	if p.show["class"] {
		for _, class := range result.Report.GatewayClasses {
			p.class(class)
		}
	}
	if p.show["status"] {
		// The tests look at translation: they take it that the data plane keeps up.
		for _, gateway := range result.Report.Gateways {
			p.gateway(gateway.WithDataPlane(report.DataPlane{Status: metav1.ConditionTrue}))
		}
		for _, each := range result.Report.Attached() {
			p.attached(each)
		}
	}
	if p.show["generation"] {
		p.generations(result.Report)
	}
	for _, gateway := range result.Gateways {
		if err := p.files(gateway); err != nil {
			return err
		}
	}
	if p.Len() == 0 {
		p.line(0, "nothing")
	}
	return nil
}

func (p *printer) generations(r report.Report) {
	for _, each := range r.GatewayClasses {
		p.line(0, "GatewayClass %s at generation %d", each.Name, each.Generation)
	}
	for _, each := range r.Gateways {
		p.line(0, "Gateway %s/%s at generation %d", each.Namespace, each.Name, each.Generation)
	}
	for _, each := range r.Attached() {
		p.line(0, "%s %s/%s at generation %d", each.Kind, each.Namespace, each.Name, each.Generation)
	}
}

func (p *printer) class(class report.GatewayClass) {
	p.line(0, "GatewayClass %s", class.Name)
	p.conditions(1, class.Conditions)
	var names []string
	for _, feature := range class.SupportedFeatures {
		names = append(names, string(feature.Name))
	}
	p.line(1, "features %s", strings.Join(names, ", "))
}

func (p *printer) gateway(gateway report.Gateway) {
	p.line(0, "Gateway %s/%s", gateway.Namespace, gateway.Name)
	p.conditions(1, gateway.Conditions)
	for _, l := range gateway.Listeners {
		kinds := make([]string, 0, len(l.SupportedKinds))
		for _, kind := range l.SupportedKinds {
			kinds = append(kinds, string(kind.Kind))
		}
		p.line(1, "listener %s: kinds [%s], attached %d", l.Name, strings.Join(kinds, " "), l.AttachedRoutes)
		p.conditions(2, l.Conditions)
	}
}

func (p *printer) attached(object report.Attached) {
	p.line(0, "%s %s/%s", object.Kind, object.Namespace, object.Name)
	to := "parent"
	for _, kind := range inputs.AttachedKinds() {
		if kind.Name == object.Kind {
			to = kind.Attached.To
		}
	}
	for _, entry := range object.Entries {
		p.line(1, "%s %s", to, describe(entry.Ref))
		p.conditions(2, entry.Conditions)
	}
}

func describe(ref gatewayv1.ParentReference) string {
	text := string(ref.Name)
	if ref.Namespace != nil {
		text = string(*ref.Namespace) + "/" + text
	}
	if ref.SectionName != nil {
		text += " section " + string(*ref.SectionName)
	}
	if ref.Port != nil {
		text += fmt.Sprintf(" port %d", *ref.Port)
	}
	return text
}

// fine are the conditions that are fine, and need no words, when they say so.
var fine = map[string]metav1.ConditionStatus{
	"Accepted": metav1.ConditionTrue, "Programmed": metav1.ConditionTrue, "ResolvedRefs": metav1.ConditionTrue,
	"SupportedVersion": metav1.ConditionTrue, "Conflicted": metav1.ConditionFalse,
}

func (p *printer) conditions(depth int, conditions []report.Condition) {
	var good []string
	for _, c := range conditions {
		if fine[c.Type] == c.Status && (c.Type == c.Reason || c.Reason == string(gatewayv1.ListenerReasonNoConflicts)) {
			good = append(good, c.Type+"="+string(c.Status))
		}
	}
	if len(good) > 0 {
		p.line(depth, "%s", strings.Join(good, " "))
	}
	for _, c := range conditions {
		if fine[c.Type] != c.Status || (c.Type != c.Reason && c.Reason != string(gatewayv1.ListenerReasonNoConflicts)) {
			p.line(depth, "%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message)
		}
	}
}

func (p *printer) files(gateway translate.Gateway) error {
	name := gateway.Namespace + "/" + gateway.Name
	if p.show["sockets"] {
		flags := make([]string, 0, len(gateway.Sockets))
		for _, socket := range gateway.Sockets {
			flags = append(flags, socket.Flag())
		}
		p.line(0, "sockets of %s: %s", name, strings.Join(flags, " "))
	}
	if gateway.SettingsUnknown {
		p.line(0, "%s stays as it is", name)
		return nil
	}
	if p.show["routing"] {
		files, err := render.Routing(gateway.Model, nil)
		if err != nil {
			return err
		}
		text, err := yaml.JSONToYAML(files.Head)
		if err != nil {
			return fmt.Errorf("printing routing.json: %w", err)
		}
		p.line(0, "routing.json of %s", name)
		for line := range strings.Lines(inline(string(text))) {
			p.WriteString("  " + line)
		}
	}
	if p.show["vcl"] {
		vcl, _ := render.VCL(gateway.Model, nil)
		p.line(0, "main.vcl of %s", name)
		p.WriteString(string(vcl))
	}
	return nil
}

var numberList = regexp.MustCompile(`:\n((?: *- -?[0-9]+\n)+)`)

// inline puts lists of numbers, which are ranks, on one line.
func inline(text string) string {
	return numberList.ReplaceAllStringFunc(text, func(list string) string {
		numbers := strings.Fields(strings.ReplaceAll(list[1:], "- ", ""))
		return ": [" + strings.Join(numbers, ", ") + "]\n"
	})
}
