//go:build apiserver

package controller

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// outcome of an edit.
type outcome string

const (
	putRight outcome = "put right"
	stays    outcome = "stays"
	anew     outcome = "the object is made anew"
)

// generated is a kind of object that the operator makes for the Gateway edge.
type generated struct {
	// title of the object in the table.
	title  string
	object func() client.Object
	name   string
	// elsewhere says that it is in the namespace of backends.
	elsewhere bool
	edits     []edit
}

// edit is what somebody does to a field by hand.
type edit struct {
	field, what string
	// patch is a JSON patch; empty to delete the object.
	patch string
	want  outcome
}

const (
	containerPath = "/spec/template/spec/containers/0"
	deleted       = ""
)

// metadataEdits are the same for every object.
var metadataEdits = []edit{
	{"`metadata.labels`", "a label of ours is overwritten", `[{"op":"replace","path":"/metadata/labels/gateway.networking.k8s.io~1gateway-name","value":"x"}]`, putRight},
	{"`metadata.labels`", "a label is added", `[{"op":"add","path":"/metadata/labels/theirs","value":"x"}]`, stays},
	{"`metadata.annotations`", "an annotation of ours is removed", `[{"op":"remove","path":"/metadata/annotations/gateway.varnish.io~1applied"}]`, putRight},
	{"`metadata.annotations`", "an annotation is added", `[{"op":"add","path":"/metadata/annotations/theirs","value":"x"}]`, stays},
}

// generatedObjects is the table of docs/reference/objects.md.
var generatedObjects = []generated{
	{"Deployment", func() client.Object { return &appsv1.Deployment{} }, "edge", false, []edit{
		{"`spec.replicas`", "`kubectl scale`, or an autoscaler", `[{"op":"replace","path":"/spec/replicas","value":4}]`, stays},
		{"`spec.strategy`", "`Recreate`", `[{"op":"replace","path":"/spec/strategy","value":{"type":"Recreate"}}]`, putRight},
		{"`spec.revisionHistoryLimit`", "another number", `[{"op":"replace","path":"/spec/revisionHistoryLimit","value":1}]`, putRight},
		{"`spec.minReadySeconds`", "a number", `[{"op":"add","path":"/spec/minReadySeconds","value":5}]`, stays},
		{"`spec.paused`", "`kubectl rollout pause`", `[{"op":"add","path":"/spec/paused","value":true}]`, stays},
		{"`spec.template.metadata.annotations`", "`kubectl rollout restart`", `[{"op":"add","path":"/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt","value":"now"}]`, stays},
		{"`spec.template.metadata.annotations`", "the digest is overwritten", `[{"op":"replace","path":"/spec/template/metadata/annotations/varnish.io~1infra-hash","value":"x"}]`, putRight},
		{"`spec.template.metadata.labels`", "a label is added", `[{"op":"add","path":"/spec/template/metadata/labels/theirs","value":"x"}]`, stays},
		{"`containers[gateway].image`", "`kubectl set image`", `[{"op":"replace","path":"` + containerPath + `/image","value":"theirs"}]`, putRight},
		{"`containers[gateway].args`", "an argument is added", `[{"op":"add","path":"` + containerPath + `/args/-","value":"--log-level=debug"}]`, putRight},
		{"`containers[gateway].command`", "a command", `[{"op":"add","path":"` + containerPath + `/command","value":["sh"]}]`, putRight},
		{"`containers[gateway].ports`", "another number", `[{"op":"replace","path":"` + containerPath + `/ports/0/containerPort","value":8080}]`, putRight},
		{"`containers[gateway].ports`", "a port is added", `[{"op":"add","path":"` + containerPath + `/ports/-","value":{"containerPort":9999}}]`, putRight},
		{"`containers[gateway].env`", "`kubectl set env`", `[{"op":"add","path":"` + containerPath + `/env/-","value":{"name":"THEIRS","value":"x"}}]`, stays},
		{"`containers[gateway].env[TMPDIR]`", "taken from a field", `[{"op":"replace","path":"` + containerPath + `/env/0","value":{"name":"TMPDIR","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}}]`, putRight},
		{"`containers[gateway].resources`", "another request", `[{"op":"replace","path":"` + containerPath + `/resources/requests/cpu","value":"7"}]`, putRight},
		{"`containers[gateway].resources`", "a limit where there was none", `[{"op":"add","path":"` + containerPath + `/resources/limits","value":{"memory":"1Gi"}}]`, stays},
		{"`containers[gateway].livenessProbe`", "another kind of probe", `[{"op":"replace","path":"` + containerPath + `/livenessProbe","value":{"exec":{"command":["true"]}}}]`, putRight},
		{"`containers[gateway].securityContext`", "a capability is added", `[{"op":"add","path":"` + containerPath + `/securityContext/capabilities/add","value":["NET_ADMIN"]}]`, putRight},
		{"`containers[gateway].volumeMounts`", "a mount with its volume is added", `[{"op":"add","path":"/spec/template/spec/volumes/-","value":{"name":"theirs","emptyDir":{}}},{"op":"add","path":"` + containerPath + `/volumeMounts/-","value":{"name":"theirs","mountPath":"/theirs"}}]`, stays},
		{"`containers`", "a sidecar is added, behind or before ours", `[{"op":"add","path":"` + containerPath + `","value":{"name":"sidecar","image":"theirs"}}]`, stays},
		{"`initContainers`", "one is added", `[{"op":"add","path":"/spec/template/spec/initContainers","value":[{"name":"init","image":"theirs"}]}]`, stays},
		{"`volumes[config]`", "another kind of volume", `[{"op":"replace","path":"/spec/template/spec/volumes/0","value":{"name":"config","emptyDir":{}}}]`, putRight},
		{"`serviceAccountName`", "another account", `[{"op":"replace","path":"/spec/template/spec/serviceAccountName","value":"default"},{"op":"replace","path":"/spec/template/spec/serviceAccount","value":"default"}]`, putRight},
		{"`automountServiceAccountToken`", "false", `[{"op":"replace","path":"/spec/template/spec/automountServiceAccountToken","value":false}]`, putRight},
		{"`terminationGracePeriodSeconds`", "another number", `[{"op":"replace","path":"/spec/template/spec/terminationGracePeriodSeconds","value":1}]`, putRight},
		{"`nodeSelector`, `tolerations`", "added where parameters say nothing of them", `[{"op":"add","path":"/spec/template/spec/nodeSelector","value":{"a":"b"}},{"op":"add","path":"/spec/template/spec/tolerations","value":[{"key":"a","operator":"Exists"}]}]`, stays},
		{"", "deleted", deleted, anew},
	}},
	{"Service", func() client.Object { return &corev1.Service{} }, "edge", false, []edit{
		{"`spec.type`", "another type", `[{"op":"replace","path":"/spec/type","value":"ClusterIP"}]`, putRight},
		{"`spec.selector`", "a key is added", `[{"op":"add","path":"/spec/selector/version","value":"v2"}]`, putRight},
		{"`spec.selector`", "a key is removed", `[{"op":"remove","path":"/spec/selector/app.kubernetes.io~1managed-by"}]`, putRight},
		{"`spec.ports`", "another number", `[{"op":"replace","path":"/spec/ports/0/port","value":81}]`, putRight},
		{"`spec.ports`", "another target", `[{"op":"replace","path":"/spec/ports/0/targetPort","value":8080}]`, putRight},
		{"`spec.ports`", "another name", `[{"op":"replace","path":"/spec/ports/0/name","value":"web"}]`, putRight},
		{"`spec.ports`", "a port is added", `[{"op":"add","path":"/spec/ports/-","value":{"name":"more","port":9999}}]`, putRight},
		{"`spec.ports[].nodePort`", "another number", `[{"op":"replace","path":"/spec/ports/0/nodePort","value":32123}]`, stays},
		{"`spec.ports[].appProtocol`", "a protocol", `[{"op":"add","path":"/spec/ports/0/appProtocol","value":"http"}]`, stays},
		{"`spec.publishNotReadyAddresses`", "true", `[{"op":"add","path":"/spec/publishNotReadyAddresses","value":true}]`, putRight},
		{"`spec.externalTrafficPolicy`", "`Local`, where parameters say nothing of it", `[{"op":"replace","path":"/spec/externalTrafficPolicy","value":"Local"}]`, stays},
		{"`spec.loadBalancerSourceRanges`", "added where parameters say nothing of them", `[{"op":"add","path":"/spec/loadBalancerSourceRanges","value":["10.0.0.0/8"]}]`, stays},
		{"`spec.externalIPs`", "an address is added", `[{"op":"add","path":"/spec/externalIPs","value":["192.0.2.7"]}]`, stays},
		{"`spec.sessionAffinity`", "`ClientIP`", `[{"op":"replace","path":"/spec/sessionAffinity","value":"ClientIP"}]`, stays},
		{"", "deleted", deleted, anew},
	}},
	{"ServiceAccount", func() client.Object { return &corev1.ServiceAccount{} }, gatewaypod.AccountName("edge"), false, []edit{
		{"`imagePullSecrets`", "one is added", `[{"op":"add","path":"/imagePullSecrets","value":[{"name":"theirs"}]}]`, stays},
		{"`automountServiceAccountToken`", "false; the pods say true, which counts", `[{"op":"add","path":"/automountServiceAccountToken","value":false}]`, stays},
		{"", "deleted; the pods are rolled, since their tokens are refused", deleted, anew},
	}},
	{"Role", func() client.Object { return &rbacv1.Role{} }, gatewaypod.AccountName("edge"), false, roleEdits},
	{"Role for endpoints", func() client.Object { return &rbacv1.Role{} }, "", true, roleEdits},
	{"RoleBinding", func() client.Object { return &rbacv1.RoleBinding{} }, gatewaypod.AccountName("edge"), false, bindingEdits},
	{"RoleBinding for endpoints", func() client.Object { return &rbacv1.RoleBinding{} }, "", true, bindingEdits},
	{"PodDisruptionBudget", func() client.Object { return &policyv1.PodDisruptionBudget{} }, gatewaypod.AccountName("edge"), false, []edit{
		{"`spec.minAvailable`", "another number", `[{"op":"replace","path":"/spec/minAvailable","value":7}]`, putRight},
		{"`spec.minAvailable`", "`maxUnavailable` in its place", `[{"op":"remove","path":"/spec/minAvailable"},{"op":"add","path":"/spec/maxUnavailable","value":1}]`, putRight},
		{"`spec.selector`", "a key is added", `[{"op":"add","path":"/spec/selector/matchLabels/a","value":"b"}]`, putRight},
		{"`spec.unhealthyPodEvictionPolicy`", "a policy", `[{"op":"add","path":"/spec/unhealthyPodEvictionPolicy","value":"AlwaysAllow"}]`, stays},
		{"", "deleted", deleted, anew},
	}},
	{"ConfigMap", func() client.Object { return &corev1.ConfigMap{} }, gatewaypod.ConfigMapName("edge"), false, []edit{
		{"`data` `routing.json`", "other text", `[{"op":"replace","path":"/data/routing.json","value":"{}"}]`, putRight},
		{"`data`", "a key is added", `[{"op":"add","path":"/data/theirs","value":"x"}]`, stays},
		{"`immutable`", "true", `[{"op":"add","path":"/immutable","value":true}]`, anew},
		{"", "deleted", deleted, anew},
	}},
	{"ConfigMap of a shard", func() client.Object { return &corev1.ConfigMap{} }, "shard", false, []edit{
		{"`data` `routes.json`", "other text", `[{"op":"replace","path":"/data/routes.json","value":"{}"}]`, putRight},
		{"`data`", "a key is added", `[{"op":"add","path":"/data/theirs","value":"x"}]`, stays},
		{"`immutable`, and `data`", "true, with other text", `[{"op":"add","path":"/immutable","value":true},{"op":"replace","path":"/data/routes.json","value":"{}"}]`, anew},
		{"", "deleted", deleted, anew},
	}},
	{"Secret of the certificates", func() client.Object { return &corev1.Secret{} }, gatewaypod.CertificatesSecretName("edge"), false, []edit{
		{"`data`", "a key is added", `[{"op":"add","path":"/data/theirs.crt","value":"eA=="}]`, putRight},
		{"`data`", "everything is removed", `[{"op":"remove","path":"/data"}]`, putRight},
		{"`immutable`", "true", `[{"op":"add","path":"/immutable","value":true}]`, anew},
		{"", "deleted", deleted, anew},
	}},
	{"Secret of the session ticket keys", func() client.Object { return &corev1.Secret{} }, gatewaypod.TicketKeysSecretName("edge"), false, []edit{
		{"`data`", "a key is added that is none of session tickets", `[{"op":"add","path":"/data/theirs","value":"eA=="}]`, putRight},
		{"`immutable`", "true", `[{"op":"add","path":"/immutable","value":true}]`, anew},
		{"", "deleted", deleted, anew},
	}},
	{"Secret of the admin API", func() client.Object { return &corev1.Secret{} }, gatewaypod.AdminSecretName("edge"), false, []edit{
		{"`data` `token`", "another token, which counts from then on", `[{"op":"replace","path":"/data/token","value":"dGhlaXJz"}]`, stays},
		{"`data`", "a key is added", `[{"op":"add","path":"/data/theirs","value":"eA=="}]`, putRight},
		{"`immutable`", "true", `[{"op":"add","path":"/immutable","value":true}]`, anew},
		{"", "deleted", deleted, anew},
	}},
}

var roleEdits = []edit{
	{"`rules`", "a right is taken away", `[{"op":"replace","path":"/rules/0/verbs","value":["get"]}]`, putRight},
	{"`rules`", "a right is added", `[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}}]`, putRight},
	{"`rules`", "a rule is narrowed to a name", `[{"op":"add","path":"/rules/0/resourceNames","value":["x"]}]`, putRight},
	{"", "deleted", deleted, anew},
}

var bindingEdits = []edit{
	{"`subjects`", "one is added", `[{"op":"add","path":"/subjects/-","value":{"kind":"ServiceAccount","name":"theirs","namespace":"default"}}]`, putRight},
	{"`subjects`", "removed", `[{"op":"remove","path":"/subjects"}]`, putRight},
	{"", "deleted", deleted, anew},
}
