package workload

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// read is all that a gateway pod may do with anything.
var read = []string{"get", "list", "watch"}

// ServiceAccount of the Gateway's pods.
func (g Gateway) ServiceAccount() *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta: g.owned(NamesOf(g.Object.Name).ServiceAccount),
	}
}

// Role lets the pods read their own ConfigMaps and certificates, each by name.
func (g Gateway) Role() *rbacv1.Role {
	names := NamesOf(g.Object.Name)
	configMaps := []string{names.Config}
	for _, shard := range routing.ShardNames() {
		configMaps = append(configMaps, names.Shards[shard])
	}
	return &rbacv1.Role{
		TypeMeta:   roleType,
		ObjectMeta: g.owned(names.Role),
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: configMaps, Verbs: read},
			{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{names.Certificates}, Verbs: read},
		},
	}
}

// RoleBinding gives the Role to the pods.
func (g Gateway) RoleBinding() *rbacv1.RoleBinding {
	name := NamesOf(g.Object.Name).Role
	return &rbacv1.RoleBinding{
		TypeMeta: bindingType, ObjectMeta: g.owned(name), RoleRef: roleRef(name), Subjects: g.subjects(),
	}
}

// EndpointsAccess lets the pods read the EndpointSlices of a namespace. In another namespace than the Gateway's
// an annotation says whose it is: an ownerReference cannot cross namespaces.
func (g Gateway) EndpointsAccess(namespace string) (*rbacv1.Role, *rbacv1.RoleBinding) {
	name := EndpointsRoleName(g.Key())
	meta := g.meta(namespace, name)
	if namespace == g.Object.Namespace {
		meta = g.owned(name)
	}
	role := &rbacv1.Role{
		TypeMeta: roleType, ObjectMeta: meta,
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{discoveryv1.GroupName}, Resources: []string{"endpointslices"}, Verbs: read},
		},
	}
	binding := &rbacv1.RoleBinding{
		TypeMeta: bindingType, ObjectMeta: *meta.DeepCopy(), RoleRef: roleRef(name), Subjects: g.subjects(),
	}
	return role, binding
}

var (
	roleType    = metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"}
	bindingType = metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"}
)

func roleRef(name string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}
}

func (g Gateway) subjects() []rbacv1.Subject {
	accounts := []string{NamesOf(g.Object.Name).ServiceAccount}
	if g.AlsoAccount != "" {
		accounts = append(accounts, g.AlsoAccount)
	}
	var subjects []rbacv1.Subject
	for _, account := range accounts {
		subjects = append(subjects, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: g.Object.Namespace, Name: account})
	}
	return subjects
}
