package workload_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

func TestWhatPeopleAimAtHasTheNameOfTheGateway(t *testing.T) {
	names := workload.NamesOf("edge")
	assert.Equal(t, "edge", names.Deployment)
	assert.Equal(t, "edge", names.Service)
}

// Names that users give to objects of their own.
func TestWhatUsersCallTheirOwnIsNotOurs(t *testing.T) {
	names := workload.NamesOf("edge")
	for name, given := range map[string][]string{
		"Secrets":                {names.Certificates, names.Admin},
		"ConfigMaps":             {names.Config, names.Shards["00"]},
		"ServiceAccounts":        {names.ServiceAccount},
		"Roles and RoleBindings": {names.Role},
		"PodDisruptionBudgets":   {names.Budget},
	} {
		for _, each := range given {
			assert.True(t, strings.HasPrefix(each, "edge-varnish-gateway"), "%s: %s", name, each)
		}
	}
	assert.Equal(t, "edge-varnish-gateway-routes-07", names.Shards["07"])
}

// gatewayNames are names that a Gateway may have.
var gatewayNames = rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,59}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,59}[a-z0-9])?){0,4}`).
	Filter(func(s string) bool { return len(s) <= validation.DNS1123SubdomainMaxLength })

func TestEveryGatewayHasNamesThatTheAPIServerTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := workload.NamesOf(gatewayNames.Draw(t, "gateway"))
		assert.Empty(t, validation.IsDNS1035Label(names.Service), names.Service)
		assert.LessOrEqual(t, len(names.Deployment)+len("-0123456789"), validation.DNS1123SubdomainMaxLength)
		for _, name := range []string{names.Deployment, names.ServiceAccount, names.Budget, names.Config, names.Certificates, names.Admin, names.Shards["31"]} {
			assert.Empty(t, validation.IsDNS1123Subdomain(name), name)
		}
	})
}

func TestLabelsOfLongNamesAreValidAndDiffer(t *testing.T) {
	long := strings.Repeat("a", 240)
	assert.Empty(t, validation.IsValidLabelValue(workload.LabelValue(long+"-one")))
	assert.NotEqual(t, workload.LabelValue(long+"-one"), workload.LabelValue(long+"-two"))
	assert.NotEqual(t, workload.NamesOf(long+"-one").Service, workload.NamesOf(long+"-two").Service)
	assert.NotEqual(t, workload.NamesOf("a.b").Service, workload.NamesOf("a-b").Service)
}

func TestACredentialComesBackFromItsSecret(t *testing.T) {
	made, err := workload.NewCredential(time.Now())
	require.NoError(t, err)
	secret := plain().Admin(made)
	read, sound := workload.CredentialOf(secret)
	assert.True(t, sound)
	assert.Equal(t, made, read)
	other, err := workload.NewCredential(time.Now())
	require.NoError(t, err)
	assert.NotEqual(t, made.Token, other.Token)
}

func TestACredentialThatIsNotWholeIsNotSound(t *testing.T) {
	made, err := workload.NewCredential(time.Now())
	require.NoError(t, err)
	for _, key := range []string{gatewaypod.AdminTokenKey, corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		secret := plain().Admin(made)
		delete(secret.Data, key)
		_, sound := workload.CredentialOf(secret)
		assert.False(t, sound, "without %s", key)
	}
}
