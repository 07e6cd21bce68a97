package docpages

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

const support = docs + "/reference/support.md"

// rows of the table below a heading of the page: their cells.
func rows(t *testing.T, heading string) [][]string {
	t.Helper()
	_, section, found := strings.Cut(content(t, support), "\n## "+heading+"\n")
	require.True(t, found, heading)
	section, _, _ = strings.Cut(section, "\n## ")
	var list [][]string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*) \\|$").FindAllStringSubmatch(section, -1) {
		list = append(list, append([]string{row[1]}, strings.Split(row[2], " | ")...))
	}
	require.NotEmpty(t, list, heading)
	return list
}

func first(rows [][]string) []string {
	var cells []string
	for _, row := range rows {
		cells = append(cells, row[0])
	}
	return cells
}

func TestThePageOfSupportNamesTheKindsOfOurOwnGroup(t *testing.T) {
	_, section, found := strings.Cut(content(t, support), "\n## Kinds\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	scheme := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	var ours []string
	for kind, of := range scheme.KnownTypes(v1alpha1.GroupVersion) {
		// The machinery of every group stands among them, and a list for each kind.
		if of.PkgPath() == reflect.TypeFor[v1alpha1.GatewayParameters]().PkgPath() && !strings.HasSuffix(kind, "List") {
			ours = append(ours, kind)
		}
	}
	require.NotEmpty(t, ours)
	for _, kind := range ours {
		assert.Regexp(t, `(?m)^\|.*\b`+kind+`\b.*, of our own group \| yes`, section)
	}
}

func TestThePageOfSupportNamesTheFeaturesThatAreClaimed(t *testing.T) {
	var claimed []string
	for _, feature := range translate.SupportedFeatures(inputs.Options{}) {
		claimed = append(claimed, string(feature.Name))
	}
	assert.Equal(t, claimed, first(rows(t, "Features")))
}

// refuses tells whether a filter of a type is refused for its type, on a rule or on a backendRef.
func refuses(kind string, onBackend bool) bool {
	rule := gatewaytest.Rule("/", "backend", 8080)
	filters := []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterType(kind)}}
	if onBackend {
		rule.BackendRefs[0].Filters = filters
	} else {
		rule.Filters = filters
	}
	result := translate.Translate(inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways: []*gatewayv1.Gateway{
			gatewaytest.Gateway("default", "gateway", []gatewayv1.Listener{gatewaytest.HTTPListener("http", 80)}),
		},
		HTTPRoutes: []*gatewayv1.HTTPRoute{gatewaytest.HTTPRoute("default", "route",
			types.NamespacedName{Namespace: "default", Name: "gateway"}, []gatewayv1.HTTPRouteRule{rule})},
	})
	accepted := report.Find(result.Report.Routes[0].Entries[0].Conditions, string(gatewayv1.RouteConditionAccepted))
	return strings.Contains(accepted.Message, kind+" is not supported")
}

func TestThePageOfSupportNamesTheFiltersThatAreCarriedOut(t *testing.T) {
	table := rows(t, "Filters")
	for _, row := range table {
		for i, onBackend := range []bool{false, true} {
			assert.Equal(t, map[string]bool{"yes": false, "no": true}[row[1+i]], refuses(row[0], onBackend), "%v", row)
		}
	}
	for _, kind := range filtersOfTheAPI(t) {
		assert.True(t, slices.Contains(first(table), kind), "%s does not stand on the page", kind)
	}
}

// filtersOfTheAPI are those that an API server takes in the standard channel.
func filtersOfTheAPI(t *testing.T) []string {
	t.Helper()
	definition, err := os.ReadFile("../crds/manifests/gateway.networking.k8s.io_httproutes.yaml")
	require.NoError(t, err)
	for _, enum := range regexp.MustCompile(`enum:\n((?: +- [A-Za-z]+\n)+)`).FindAllStringSubmatch(string(definition), -1) {
		if kinds := strings.Fields(strings.ReplaceAll(enum[1], "- ", "")); slices.Contains(kinds, "URLRewrite") {
			return kinds
		}
	}
	require.Fail(t, "the definition of HTTPRoutes lists no filters")
	return nil
}

func TestTheFieldsOnThePageOfSupportExist(t *testing.T) {
	kinds := map[string]reflect.Type{
		"Gateway": reflect.TypeFor[gatewayv1.Gateway](), "HTTPRoute": reflect.TypeFor[gatewayv1.HTTPRoute](),
	}
	for _, path := range first(rows(t, "Fields")) {
		kind, rest, _ := strings.Cut(path, ".")
		at := kinds[kind]
		require.NotNil(t, at, path)
		for name := range strings.SplitSeq(rest, ".") {
			at = member(at, name)
			require.NotNil(t, at, "%s: there is no %s", path, name)
		}
	}
}

// member is the type of a field by its name in JSON, within what pointers and lists lead to; nil where there is none.
func member(of reflect.Type, name string) reflect.Type {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return nil
	}
	for _, field := range reflect.VisibleFields(of) {
		if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag == name {
			return field.Type
		}
	}
	return nil
}
