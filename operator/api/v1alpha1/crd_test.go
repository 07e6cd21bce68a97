package v1alpha1_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	apivalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// definition reads a generated CRD with the defaults that an API server fills in.
func definition(t *testing.T, plural string) *apiextensions.CustomResourceDefinition {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", v1alpha1.GroupName+"_"+plural+".yaml"))
	require.NoError(t, err)
	var v1 apiextensionsv1.CustomResourceDefinition
	require.NoError(t, yaml.UnmarshalStrict(data, &v1))
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	v1.Status.StoredVersions = []string{v1.Spec.Versions[0].Name}
	var internal apiextensions.CustomResourceDefinition
	require.NoError(t, apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&v1, &internal, nil))
	return &internal
}

// problems are what an API server says of an object with the given spec.
func problems(t *testing.T, plural, spec string) field.ErrorList {
	t.Helper()
	crd := definition(t, plural)
	props := crd.Spec.Versions[0].Schema
	if props == nil {
		props = crd.Spec.Validation
	}
	var object map[string]any
	data, err := yaml.YAMLToJSON([]byte("metadata: {name: own}\nspec: " + spec))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &object))
	structural, err := schema.NewStructural(props.OpenAPIV3Schema)
	require.NoError(t, err)
	defaulting.Default(object, structural)
	validator, _, err := apivalidation.NewSchemaValidator(props.OpenAPIV3Schema)
	require.NoError(t, err)
	found := apivalidation.ValidateCustomResource(nil, object, validator)
	rules := cel.NewValidator(structural, true, celconfig.PerCallLimit)
	more, _ := rules.Validate(context.Background(), nil, structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(found, more...)
}

func TestAnAPIServerAcceptsTheDefinitions(t *testing.T) {
	for _, plural := range []string{"gatewayclassparameters", "gatewayparameters"} {
		t.Run(plural, func(t *testing.T) {
			assert.Empty(t, validation.ValidateCustomResourceDefinition(context.Background(), definition(t, plural)))
		})
	}
}

func TestWhatParametersMaySay(t *testing.T) {
	for name, test := range map[string]struct {
		spec    string
		refused string
	}{
		"nothing at all":                         {`{}`, ""},
		"networks in CIDR notation":              {`{trustedHops: ["10.0.0.0/8", "fd00::/8"]}`, ""},
		"an address is no network":               {`{trustedHops: ["10.0.0.1"]}`, "CIDR"},
		"storage of a size":                      {`{storage: {size: 512Mi}}`, ""},
		"storage of no size worth its name":      {`{storage: {size: 1k}}`, "at least 1Mi"},
		"storage as a number of bytes":           {`{storage: {size: 1073741824}}`, ""},
		"a Service of a type":                    {`{service: {type: NodePort, externalTrafficPolicy: Local}}`, ""},
		"a Service of no type that there is":     {`{service: {type: ExternalName}}`, "Unsupported value"},
		"a traffic policy without outside":       {`{service: {type: ClusterIP, externalTrafficPolicy: Local}}`, "externalTrafficPolicy"},
		"source ranges without a load balancer":  {`{service: {type: NodePort, loadBalancerSourceRanges: ["10.0.0.0/8"]}}`, "loadBalancerSourceRanges"},
		"a source range that is none":            {`{service: {loadBalancerSourceRanges: ["x"]}}`, "CIDR"},
		"a disruption budget with one bound":     {`{podDisruptionBudget: {minAvailable: 50%}}`, ""},
		"a disruption budget with both bounds":   {`{podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}}`, "exactly one"},
		"a disruption budget without a bound":    {`{podDisruptionBudget: {}}`, "exactly one"},
		"a port that speaks PROXY v2":            {`{ports: [{port: 80, proxyProtocol: V2}]}`, ""},
		"a port beyond the last":                 {`{ports: [{port: 65536}]}`, "65535"},
		"an access log":                          {`{logs: {access: JSON, level: Debug}}`, ""},
		"an access log of no form that there is": {`{logs: {access: xml}}`, "Unsupported value"},
		"arguments of varnishd":                  {`{varnishdExtraArgs: ["-p", "thread_pools=2"]}`, ""},
		"every limit":                            {`{limits: {maxTLSConnections: 10, maxTLSConnectionsPerAddress: 10, maxBackendRequests: 5, maxBackendRequestsPerService: 5, requestTimeout: 720h, idleTimeout: 1s, drainTimeout: 24h}}`, ""},
		"one limit alone":                        {`{limits: {maxBackendRequestsPerService: 5}}`, ""},
		"no TLS connection at all":               {`{limits: {maxTLSConnections: 0}}`, "greater than or equal to 1"},
		"more of one client than of all":         {`{limits: {maxTLSConnections: 10, maxTLSConnectionsPerAddress: 11}}`, "maxTLSConnectionsPerAddress"},
		"more to one service than to all":        {`{limits: {maxBackendRequests: 10, maxBackendRequestsPerService: 11}}`, "maxBackendRequestsPerService"},
		"a time that is none":                    {`{limits: {idleTimeout: long}}`, "idleTimeout"},
		"no time at all":                         {`{limits: {requestTimeout: 0s}}`, "from 1ms to 720h"},
		"more than a month for a request":        {`{limits: {requestTimeout: 721h}}`, "from 1ms to 720h"},
		"less than a second to be idle":          {`{limits: {idleTimeout: 999ms}}`, "from 1s to 24h"},
		"more than a day to be idle":             {`{limits: {idleTimeout: 24h1s}}`, "from 1s to 24h"},
		"no time to drain":                       {`{limits: {drainTimeout: 0s}}`, "from 1s to 24h"},
		"an empty argument":                      {`{varnishdExtraArgs: [""]}`, "varnishdExtraArgs[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, plural := range []string{"gatewayclassparameters", "gatewayparameters"} {
				found := problems(t, plural, test.spec)
				if test.refused == "" {
					assert.Empty(t, found, plural)
					continue
				}
				require.NotEmpty(t, found, plural)
				assert.ErrorContains(t, found.ToAggregate(), test.refused, plural)
			}
		})
	}
}

func TestOnlyTheClassSaysWhatGatewaysMaySet(t *testing.T) {
	assert.Empty(t, problems(t, "gatewayclassparameters", `{allowedOverrides: [Image, VCL]}`))
	assert.NotEmpty(t, problems(t, "gatewayclassparameters", `{allowedOverrides: [Everything]}`))
	assert.NotEmpty(t, problems(t, "gatewayclassparameters", `{vcl: {name: x}}`), "a class has no namespace of its own")
	assert.Empty(t, problems(t, "gatewayparameters", `{vcl: {name: x}}`))
}

func TestEverythingButImageAndVCLMayBeSetByDefault(t *testing.T) {
	allowed := v1alpha1.DefaultAllowedOverrides()
	assert.NotContains(t, allowed, v1alpha1.SettingImage)
	assert.NotContains(t, allowed, v1alpha1.SettingVCL)
	crd := definition(t, "gatewayclassparameters")
	props := crd.Spec.Versions[0].Schema
	if props == nil {
		props = crd.Spec.Validation
	}
	values := props.OpenAPIV3Schema.Properties["spec"].Properties["allowedOverrides"].Items.Schema.Enum
	assert.Len(t, values, len(allowed)+2)
}

func TestTheSchemeKnowsTheTypes(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	assert.True(t, scheme.Recognizes(v1alpha1.GroupVersion.WithKind(v1alpha1.KindGatewayClassParameters)))
	assert.True(t, scheme.Recognizes(v1alpha1.GroupVersion.WithKind(v1alpha1.KindGatewayParameters)))
}

func TestTheDefaultsOfLimitsAreTheOnesThatAreDocumented(t *testing.T) {
	crd := definition(t, "gatewayclassparameters")
	props := crd.Spec.Versions[0].Schema
	if props == nil {
		props = crd.Spec.Validation
	}
	limits := props.OpenAPIV3Schema.Properties["spec"].Properties["limits"].Properties
	for name, want := range map[string]string{
		"maxTLSConnections":           strconv.Itoa(gatewaypod.DefaultMaxTLSConnections),
		"maxTLSConnectionsPerAddress": strconv.Itoa(gatewaypod.DefaultMaxTLSConnectionsPerAddress),
		"maxBackendRequests":          strconv.Itoa(gatewaypod.DefaultMaxBackendRequests),
		"requestTimeout":              strconv.Itoa(int(gatewaypod.DefaultRequestTimeout.Hours())) + "h",
		"idleTimeout":                 strconv.Itoa(int(gatewaypod.DefaultIdleTimeout.Seconds())) + "s",
		"drainTimeout":                strconv.Itoa(int(gatewaypod.DefaultDrainTimeout.Seconds())) + "s",
	} {
		assert.Contains(t, limits[name].Description, want+" where it is empty", name)
	}
}
