package translate

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

const reasonInvalidParameters = string(gatewayv1.GatewayReasonInvalidParameters)

// class is a GatewayClass of ours. One without an object stands for a class that is gone.
type class struct {
	object     *gatewayv1.GatewayClass
	parameters parameters
	problems   problems
	options    inputs.Options
}

// classes are the GatewayClasses of ours.
type classes struct {
	ordered []*class
	byName  map[string]*class
}

func translateClasses(in inputs.Inputs, objects *objects) classes {
	all := classes{byName: make(map[string]*class)}
	for _, object := range sorted(in.GatewayClasses) {
		if object.Spec.ControllerName != in.Options.Controller() {
			continue
		}
		c := &class{object: object, options: in.Options}
		c.parameters, c.problems = objects.parametersOfClass(object.Spec.ParametersRef)
		all.ordered = append(all.ordered, c)
		all.byName[object.Name] = c
	}
	return all
}

// parametersOfClass follows the parametersRef of a GatewayClass.
func (o *objects) parametersOfClass(ref *gatewayv1.ParametersReference) (parameters, problems) {
	if ref == nil {
		return o.resolveClassParameters(&v1alpha1.GatewayClassParametersSpec{})
	}
	var found problems
	switch {
	case ref.Group != v1alpha1.GroupName || ref.Kind != v1alpha1.KindGatewayClassParameters:
		found.add(reasonInvalidParameters, "spec.parametersRef", "must name a %s of group %s, not %s of group %q",
			v1alpha1.KindGatewayClassParameters, v1alpha1.GroupName, ref.Kind, ref.Group)
	case ref.Namespace != nil:
		found.add(reasonInvalidParameters, "spec.parametersRef.namespace",
			"%s have no namespace", v1alpha1.KindGatewayClassParameters)
	case o.classParameters[ref.Name] == nil:
		found.add(reasonInvalidParameters, "spec.parametersRef.name",
			"%s %q does not exist", v1alpha1.KindGatewayClassParameters, ref.Name)
	}
	if len(found) > 0 {
		return parameters{}, found
	}
	resolved, found := o.resolveClassParameters(&o.classParameters[ref.Name].Spec)
	return resolved, found.within(v1alpha1.KindGatewayClassParameters + " " + ref.Name)
}

// within says in which other object the fields are to be found.
func (p problems) within(object string) problems {
	for i := range p {
		p[i].field = object + ", spec." + p[i].field
	}
	return p
}

func (c classes) reports() []report.GatewayClass {
	reports := make([]report.GatewayClass, 0, len(c.ordered))
	for _, each := range c.ordered {
		reports = append(reports, each.report())
	}
	return reports
}

func (c *class) report() report.GatewayClass {
	accepted := report.Condition{
		Type:    string(gatewayv1.GatewayClassConditionStatusAccepted),
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.GatewayClassReasonAccepted),
		Message: "The GatewayClass is accepted.",
	}
	if len(c.problems) > 0 {
		accepted.Status = metav1.ConditionFalse
		accepted.Reason = c.problems.reason()
		accepted.Message = c.problems.message()
	}
	conditions := []report.Condition{accepted}
	if len(c.options.Definitions) > 0 {
		conditions = append(conditions, report.SupportedVersion(c.options.Definitions))
	}
	return report.GatewayClass{
		Object:            objectOf(c.object),
		Conditions:        conditions,
		SupportedFeatures: SupportedFeatures(c.options),
	}
}
