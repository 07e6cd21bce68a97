package apply

// A rule says how a field is compared and put right, where that is not as usual. As usual, a map may say more than is
// desired (defaults, and what others wrote), and a list has the desired elements in their order, each of which may say
// more.
type rule int

const (
	// whole: nothing more than what is desired. Where nothing is desired, there must be nothing.
	whole rule = iota + 1
	// further: a list may have further elements. Elements are told apart by their key, or else by what they say.
	further
	// fixed is whole, and can only be changed by making the object anew.
	fixed
)

// rules by kind and path. A path has dots between fields, and [] behind a list for each of its elements.
//
// Whole is what means something else as soon as somebody adds to it (selectors, rights, arguments), and what can be said in one
// of several ways (probes, volumes): server-side apply would leave the other way beside ours, which the API server refuses.
// Further is what admission webhooks inject.
var rules = map[string]map[string]rule{
	"Service": {
		"spec.selector":                 whole,
		"spec.publishNotReadyAddresses": whole,
	},
	"Deployment": {
		"spec.template.spec.containers":                                further,
		"spec.template.spec.containers[].command":                      whole,
		"spec.template.spec.containers[].args":                         whole,
		"spec.template.spec.containers[].env":                          further,
		"spec.template.spec.containers[].env[]":                        whole,
		"spec.template.spec.containers[].livenessProbe":                whole,
		"spec.template.spec.containers[].readinessProbe":               whole,
		"spec.template.spec.containers[].securityContext.capabilities": whole,
		"spec.template.spec.containers[].volumeMounts":                 further,
		"spec.template.spec.containers[].volumeMounts[]":               whole,
		"spec.template.spec.imagePullSecrets":                          further,
		"spec.template.spec.securityContext.seccompProfile":            whole,
		"spec.template.spec.tolerations":                               further,
		"spec.template.spec.topologySpreadConstraints":                 further,
		"spec.template.spec.volumes":                                   further,
		"spec.template.spec.volumes[]":                                 whole,
	},
	"Role":        {"rules": whole},
	"RoleBinding": {"subjects": whole, "roleRef": fixed},
	"PodDisruptionBudget": {
		"spec.selector":       whole,
		"spec.minAvailable":   whole,
		"spec.maxUnavailable": whole,
	},
	"ConfigMap": {"immutable": fixed},
	"Secret":    {"immutable": fixed, "type": fixed, "data": whole},
}

// keys tell the elements of a list apart, by the list's path; elsewhere "name" does.
var keys = map[string]string{
	"metadata.ownerReferences":                     "uid",
	"spec.template.spec.containers[].volumeMounts": "mountPath",
	"spec.template.spec.topologySpreadConstraints": "topologyKey",
	"spec.template.spec.tolerations":               "",
}

// ruleOf a path in an object of a kind.
func ruleOf(kind, path string) rule {
	if path == "metadata.ownerReferences" {
		// Others may own the object too, and the API server merges this list.
		return further
	}
	return rules[kind][path]
}

// keyOf the elements of a list.
func keyOf(path string) string {
	if key, known := keys[path]; known {
		return key
	}
	return "name"
}
