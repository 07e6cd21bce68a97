package translate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/policy"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

const kindBackendTLSPolicy = "BackendTLSPolicy"

// backendTLSPolicy is the policy that is in force at a port of a Service, or nil; it notes all that
// are attached there. One of the port goes before one of the whole Service.
func (t *routeTranslation) backendTLSPolicy(service *corev1.Service, port *corev1.ServicePort) *gatewayv1.BackendTLSPolicy {
	target := targetOf(service)
	target.Section = port.Name
	chain := t.objects.backendTLS.Chain(target, target.Whole())
	if len(chain) == 0 {
		return nil
	}
	chain[0].Attach(&t.policies)
	return chain[0].Policies[0]
}

// missBackendTLS notes the policies that name ports which a Service does not have.
func (t *routeTranslation) missBackendTLS(service *corev1.Service) {
	missing := t.objects.backendTLS.Missing(targetOf(service), func(section string) bool {
		return slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == section })
	})
	for _, level := range missing {
		level.Miss(&t.policies)
	}
}

func targetOf(service *corev1.Service) policy.Target {
	return policy.Target{Group: corev1.GroupName, Kind: kindService, Namespace: service.Namespace, Name: service.Name}
}

// policyKind is a kind of policies, and what is told of them.
type policyKind struct {
	name string
	list func(inputs.Inputs) []metav1.Object
	// targets of a policy, for kinds of our own: nobody else says that a target is not there.
	targets func(metav1.Object) []policy.Target
	// verdict is what is said of a policy that is in force somewhere below an ancestor.
	verdict func(metav1.Object) report.Condition
}

// policyKinds are those that are attached while routes are translated.
var policyKinds = []policyKind{
	{
		name:    kindBackendTLSPolicy,
		list:    func(in inputs.Inputs) []metav1.Object { return objectsOf(in.BackendTLSPolicies) },
		verdict: backendTLSVerdict,
	},
	{
		name:    kindVarnishCachePolicy,
		list:    func(in inputs.Inputs) []metav1.Object { return objectsOf(in.VarnishCachePolicies) },
		targets: func(p metav1.Object) []policy.Target { return cachePolicyTargets(p.(*v1alpha1.VarnishCachePolicy)) },
		verdict: cachePolicyVerdict,
	},
}

// policies tell of each policy of a kind below which Gateways it is attached, once all routes are, and
// which of its targets are not there at all.
func (all gateways) policies(kind policyKind, in inputs.Inputs, there func(policy.Target) bool) []report.Attached {
	var reports []report.Attached
	for _, p := range sorted(kind.list(in)) {
		r := report.Attached{Kind: kind.name, Object: objectOf(p)}
		for _, g := range all.ordered {
			if standing, matters := g.policies.Of(kind.name, p); matters {
				r.Entries = append(r.Entries, report.Entry{
					Ref:        policy.AncestorRef(g.object),
					Conditions: []report.Condition{accepted(kind.name, standing, kind.verdict(p))},
				})
			}
		}
		r.Entries = append(r.Entries, lost(kind, p, there)...)
		if len(r.Entries) > 0 {
			reports = append(reports, r)
		}
	}
	return reports
}

// lost are the entries for objects that a policy targets and that are not there. Such an object has no
// Gateway that could be the ancestor, so the entry names the object itself (PolicyAncestorStatus).
func lost(kind policyKind, p metav1.Object, there func(policy.Target) bool) []report.Entry {
	if kind.targets == nil {
		return nil
	}
	var entries []report.Entry
	seen := map[policy.Target]bool{}
	for _, target := range kind.targets(p) {
		if whole := target.Whole(); !seen[whole] && !there(whole) {
			seen[whole] = true
			entries = append(entries, report.Entry{
				Ref:        whole.Ref(),
				Conditions: []report.Condition{accepted(kind.name, policy.Standing{Missing: []policy.Target{whole}}, report.Condition{})},
			})
		}
	}
	return entries
}

// backendTLSVerdict is what is said of a BackendTLSPolicy that is in force. None is carried out, so
// that the share of the backendRefs is answered 500.
func backendTLSVerdict(metav1.Object) report.Condition {
	return report.Condition{
		Status:  metav1.ConditionFalse,
		Reason:  report.ReasonNotSupported,
		Message: "TLS to backends is not supported. What routes would send to the targets is answered 500.",
	}
}

// objectsOf forgets the type of objects.
func objectsOf[T metav1.Object](list []T) []metav1.Object {
	objects := make([]metav1.Object, len(list))
	for i, object := range list {
		objects[i] = object
	}
	return objects
}

// accepted is the condition of a policy below one ancestor. The verdict counts where the policy
// holds.
func accepted(kind string, standing policy.Standing, verdict report.Condition) report.Condition {
	c := verdict
	c.Type = string(gatewayv1.PolicyConditionAccepted)
	if reason, message, refused := standing.Refusal(kind); refused {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, string(reason), message
	} else if remark := standing.Remark(); remark != "" {
		c.Message, c.IsPartial = strings.TrimSpace(c.Message+" "+remark), true
	}
	return c
}
