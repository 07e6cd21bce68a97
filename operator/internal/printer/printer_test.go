package printer

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

func condition(kind string, status metav1.ConditionStatus, words ...string) report.Condition {
	return report.Condition{Type: kind, Status: status, Reason: "Reason", Message: strings.Join(words, " ")}
}

func sample(programmed metav1.ConditionStatus, routes int) report.Report {
	r := report.Report{Gateways: []report.Gateway{{
		Object:     report.Object{Namespace: "shop", Name: "web"},
		Addresses:  []gatewayv1.GatewayStatusAddress{{Value: "127.0.0.1"}},
		Conditions: []report.Condition{condition("Accepted", "True"), condition("Programmed", programmed, "Not yet.")},
		Listeners: []report.Listener{{Name: "http", AttachedRoutes: 1, Conditions: []report.Condition{
			condition("Accepted", "True"), condition("ResolvedRefs", "True"), condition("Programmed", programmed), condition("Conflicted", "False"),
		}}},
	}}}
	for i := range routes {
		r.Routes = append(r.Routes, report.Attached{
			Kind: "HTTPRoute", Object: report.Object{Namespace: "shop", Name: fmt.Sprintf("route-%d", i)},
			Entries: []report.Entry{{Ref: gatewayv1.ParentReference{Name: "web"}, Conditions: []report.Condition{condition("Accepted", "True"), condition("ResolvedRefs", "True")}}},
		})
	}
	return r
}

func TestStatusesAreShownAsTables(t *testing.T) {
	var out bytes.Buffer
	New(&out, &out).Print(nil, sample("False", 1))
	assert.Equal(t, `NAMESPACE   GATEWAY   ADDRESS     ACCEPTED   PROGRAMMED
shop        web       127.0.0.1   True       False
  Gateway shop/web: Programmed=False (Reason): Not yet.

NAMESPACE   GATEWAY   LISTENER   ATTACHED   ACCEPTED   RESOLVEDREFS   PROGRAMMED
shop        web       http       1          True       True           False

NAMESPACE   HTTPROUTE   PARENT   ACCEPTED   RESOLVEDREFS
shop        route-0     web      True       True

`, out.String())
}

func TestAClassIsShownWhereItIsNotAsItShouldBe(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, &out)
	show := func(accepted metav1.ConditionStatus) string {
		out.Reset()
		p.Print(nil, report.Report{GatewayClasses: []report.GatewayClass{{
			Object: report.Object{Name: "varnish"}, Conditions: []report.Condition{condition("Accepted", accepted, "So.")},
		}}})
		return out.String()
	}
	assert.Empty(t, show("True"))
	assert.Equal(t, "GATEWAYCLASS   ACCEPTED\nvarnish        False\n  GatewayClass varnish: Accepted=False (Reason): So.\n\n", show("False"))
	assert.Empty(t, show("False"), "it was shown")
	assert.Equal(t, "GATEWAYCLASS   ACCEPTED\nvarnish        True\n\n", show("True"))
	assert.Empty(t, show("True"))
}

func TestPoliciesAreShownBelowTheirAncestors(t *testing.T) {
	var out bytes.Buffer
	New(&out, &out).Print(nil, report.Report{Policies: []report.Attached{{
		Kind: "BackendTLSPolicy", Object: report.Object{Namespace: "shop", Name: "tls"},
		Entries: []report.Entry{{Ref: gatewayv1.ParentReference{Name: "web"}, Conditions: []report.Condition{condition("Accepted", "False", "No.")}}},
	}}})
	assert.Equal(t, `NAMESPACE   BACKENDTLSPOLICY   ANCESTOR   ACCEPTED
shop        tls                web        False
  BackendTLSPolicy shop/tls at web: Accepted=False (Reason): No.

`, out.String())
}

func TestAMessageOfSeveralLinesIsIndented(t *testing.T) {
	var out bytes.Buffer
	r := sample("False", 0)
	r.Gateways[0].Conditions[1].Message = "It does not compile.\nExpected ';'\n  return (pass)\n--------------#"
	New(&out, &out).Print(nil, r)
	assert.Contains(t, out.String(), `
  Gateway shop/web: Programmed=False (Reason): It does not compile.
    Expected ';'
      return (pass)
    --------------#
`)
}

func TestOnlyChangesAreShown(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, &out)
	p.Print(nil, sample("False", 2))
	out.Reset()
	p.Print(nil, sample("False", 2))
	assert.Empty(t, out.String())
	p.Print(nil, sample("True", 1))
	assert.Contains(t, out.String(), "shop        web       127.0.0.1   True       True\n")
	assert.NotContains(t, out.String(), "HTTPROUTE")
	assert.Contains(t, out.String(), "HTTPRoute shop/route-1 at web deleted\n")
}

func TestManyRowsAreCounted(t *testing.T) {
	var out bytes.Buffer
	New(&out, &out).Print(nil, sample("True", 60))
	assert.Contains(t, out.String(), "route-49")
	assert.NotContains(t, out.String(), "route-50 ")
	assert.Contains(t, out.String(), "... and 10 more\n")
}

func TestWhatIsWrongIsShownOfEveryRow(t *testing.T) {
	r := sample("True", 60)
	r.Routes[59].Entries[0].Conditions[0] = condition("Accepted", "False", "Broken.")
	var out bytes.Buffer
	New(&out, &out).Print(nil, r)
	assert.Contains(t, out.String(), "... and 10 more\n  HTTPRoute shop/route-59 at web: Accepted=False (Reason): Broken.\n")
}

func TestDeletionsAreShownInTheirOrder(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, &out)
	p.Print(nil, sample("True", 9))
	out.Reset()
	p.Print(nil, sample("True", 0))
	var want strings.Builder
	for i := range 9 {
		fmt.Fprintf(&want, "HTTPRoute shop/route-%d at web deleted\n", i)
	}
	assert.Equal(t, want.String(), out.String())
}

func TestProblemsAreShownOnceAndTheirEndToo(t *testing.T) {
	var errs bytes.Buffer
	p := New(&bytes.Buffer{}, &errs)
	problem := []manifest.Problem{{Source: manifest.Source{File: "a.yaml", Line: 3}, Object: "HTTPRoute a/b", Field: "spec", Message: "bad"}}
	p.Print(problem, report.Report{})
	p.Print(problem, report.Report{})
	assert.Equal(t, "a.yaml:3: HTTPRoute a/b: spec: bad\n", errs.String())
	p.Print(nil, report.Report{})
	assert.Contains(t, errs.String(), "all manifests are sound again\n")
}
