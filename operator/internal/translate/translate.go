package translate

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// Translate makes the models, and the statuses, of everything in the inputs that is ours. Equal sets of
// objects give equal results, in whatever order they are listed.
func Translate(in inputs.Inputs) Result { return new(Translator).Translate(in) }

func translate(in inputs.Inputs, keyPairs keyPairs) Result {
	objects := indexObjects(in)
	objects.keyPairs = keyPairs
	classes := translateClasses(in, objects)
	gateways := translateGateways(in, classes, objects)

	var result Result
	result.Report.GatewayClasses = classes.reports()
	var routes []attachedRoute
	for _, route := range sorted(in.HTTPRoutes) {
		if attached, ours := attachRoute(route, gateways, objects); ours {
			routes = append(routes, attached)
		}
	}
	for _, g := range gateways.ordered {
		g.publish(objects)
	}
	for _, route := range routes {
		result.Report.Routes = append(result.Report.Routes, route.report())
	}
	for _, g := range gateways.ordered {
		result.Gateways = append(result.Gateways, g.result())
		result.Report.Gateways = append(result.Report.Gateways, g.report())
	}
	there := whatIsThere(in)
	for _, kind := range policyKinds {
		result.Report.Policies = append(result.Report.Policies, gateways.policies(kind, in, there)...)
	}
	return result
}

// sorted returns the objects ordered by namespace and name; the given list stays as it is.
func sorted[T metav1.Object](objects []T) []T {
	return slices.SortedStableFunc(slices.Values(objects), func(a, b T) int {
		return cmp.Or(
			cmp.Compare(a.GetNamespace(), b.GetNamespace()),
			cmp.Compare(a.GetName(), b.GetName()),
		)
	})
}

func objectOf(o metav1.Object) report.Object { return report.ObjectOf(o) }
