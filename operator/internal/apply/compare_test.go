package apply

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

type (
	m = map[string]any
	l = []any
)

func TestWhatALiveValueHolds(t *testing.T) {
	for name, c := range map[string]struct {
		live, desired any
		want          bool
	}{
		"the same":                             {m{"a": int64(1)}, m{"a": int64(1)}, true},
		"another value":                        {m{"a": int64(2)}, m{"a": int64(1)}, false},
		"a default that the API server wrote":  {m{"a": "x", "b": "y"}, m{"a": "x"}, true},
		"a field that is missing":              {m{}, m{"a": "x"}, false},
		"an empty field that is left out":      {m{}, m{"a": m{"b": nil}, "c": l{}}, true},
		"an element with a default":            {m{"p": l{m{"n": "a", "np": int64(3)}}}, m{"p": l{m{"n": "a"}}}, true},
		"one element more":                     {m{"p": l{m{"n": "a"}, m{"n": "b"}}}, m{"p": l{m{"n": "a"}}}, false},
		"one element less":                     {m{"p": l{}}, m{"p": l{m{"n": "a"}}}, false},
		"elements in another order":            {m{"p": l{"b", "a"}}, m{"p": l{"a", "b"}}, false},
		"a list where there is something else": {m{"p": "x"}, m{"p": l{"x"}}, false},
		"an object where there is nothing":     {nil, m{"a": "x"}, false},
		"an empty object where nothing is":     {nil, m{}, true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, holds(c.live, c.desired)) })
	}
}

// pod is a Deployment with one container that says this beside its name.
func pod(container m, more ...any) m {
	container["name"] = "gateway"
	return m{"spec": m{"template": m{"spec": m{"containers": append(l{container}, more...)}}}}
}

const container = "spec.template.spec.containers[gateway]"

func TestWhereALiveObjectDiffersAndWhatItBecomes(t *testing.T) {
	for name, c := range map[string]struct {
		kind          string
		live, desired m
		// paths that differ; merged is the object then, where it is not the live one.
		paths  []string
		merged m
	}{
		"a further owner": {
			"Role", m{"metadata": m{"ownerReferences": l{m{"uid": "x"}, m{"uid": "y"}}}},
			m{"metadata": m{"ownerReferences": l{m{"uid": "y"}}}}, nil, nil,
		},
		"an owner that is missing": {
			"Role", m{"metadata": m{"ownerReferences": l{m{"uid": "x"}}}},
			m{"metadata": m{"ownerReferences": l{m{"uid": "y"}}}}, []string{"metadata.ownerReferences[y]"}, nil,
		},
		"a further key in a selector": {
			"Service", m{"spec": m{"selector": m{"a": "1", "b": "2"}, "type": "ClusterIP"}}, m{"spec": m{"selector": m{"a": "1"}}},
			[]string{"spec.selector"}, m{"spec": m{"selector": m{"a": "1"}, "type": "ClusterIP"}},
		},
		"a port with another number": {
			"Service", m{"spec": m{"ports": l{m{"name": "http-80", "port": int64(81), "nodePort": int64(30080)}}}},
			m{"spec": m{"ports": l{m{"name": "http-80", "port": int64(80)}}}}, []string{"spec.ports[0].port"},
			m{"spec": m{"ports": l{m{"name": "http-80", "port": int64(80), "nodePort": int64(30080)}}}},
		},
		"pods that are not ready get requests": {
			"Service", m{"spec": m{"type": "ClusterIP", "publishNotReadyAddresses": true}}, m{"spec": m{"type": "ClusterIP"}},
			[]string{"spec.publishNotReadyAddresses"}, m{"spec": m{"type": "ClusterIP"}},
		},
		"a command that is not ours": {
			"Deployment", pod(m{"command": l{"sh"}, "image": "i"}), pod(m{"image": "i"}),
			[]string{container + ".command"}, pod(m{"image": "i"}),
		},
		"a further argument": {
			"Deployment", pod(m{"args": l{"a", "b"}}), pod(m{"args": l{"a"}}), []string{container + ".args"}, pod(m{"args": l{"a"}}),
		},
		"a sidecar, a variable and a mount that were injected": {
			"Deployment",
			pod(m{"env": l{m{"name": "X", "value": "1"}, m{"name": "TMPDIR", "value": "/t"}}, "volumeMounts": l{m{"mountPath": "/x"}}}, m{"name": "proxy"}),
			pod(m{"env": l{m{"name": "TMPDIR", "value": "/t"}}}), nil, nil,
		},
		"a variable that comes from elsewhere": {
			"Deployment", pod(m{"env": l{m{"name": "TMPDIR", "valueFrom": m{"fieldRef": m{"fieldPath": "spec.nodeName"}}}}}),
			pod(m{"env": l{m{"name": "TMPDIR", "value": "/t"}}}), []string{container + ".env[TMPDIR]"},
			pod(m{"env": l{m{"name": "TMPDIR", "value": "/t"}}}),
		},
		"a probe of another kind": {
			"Deployment", pod(m{"livenessProbe": m{"exec": m{"command": l{"true"}}}}), pod(m{"livenessProbe": m{"httpGet": m{"path": "/"}}}),
			[]string{container + ".livenessProbe"}, pod(m{"livenessProbe": m{"httpGet": m{"path": "/"}}}),
		},
		"a container that is gone": {
			"Deployment", m{"spec": m{"template": m{"spec": m{"containers": l{m{"name": "other"}}}}}}, pod(m{"image": "i"}),
			[]string{container}, m{"spec": m{"template": m{"spec": m{"containers": l{m{"name": "other"}, m{"name": "gateway", "image": "i"}}}}}},
		},
		"names in a rule": {
			"Role", m{"rules": l{m{"verbs": l{"get"}, "resourceNames": l{"x"}}}}, m{"rules": l{m{"verbs": l{"get"}}}},
			[]string{"rules"}, m{"rules": l{m{"verbs": l{"get"}}}},
		},
		"the other bound of a budget": {
			"PodDisruptionBudget", m{"spec": m{"maxUnavailable": int64(0)}}, m{"spec": m{"minAvailable": int64(1)}},
			[]string{"spec.maxUnavailable", "spec.minAvailable"}, m{"spec": m{"minAvailable": int64(1)}},
		},
		"a key of another writer": {
			"ConfigMap", m{"data": m{"main.vcl": "x", "routing.json": "y"}}, m{"data": m{"main.vcl": "x"}}, nil, nil,
		},
		"a further key pair": {
			"Secret", m{"type": "Opaque", "data": m{"a.crt": "x", "b.crt": "y"}}, m{"type": "Opaque", "data": m{"a.crt": "x"}},
			[]string{"data"}, m{"type": "Opaque", "data": m{"a.crt": "x"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			differences := compare(c.kind, c.live, c.desired)
			assert.ElementsMatch(t, c.paths, pathsOf(differences))
			if c.merged != nil {
				merged := merge(c.kind, c.live, c.desired)
				delete(merged, "metadata")
				assert.Equal(t, c.merged, merged)
				assert.Empty(t, compare(c.kind, merged, c.desired), "it is as desired then")
			}
		})
	}
}

func TestWhatOnlyAnotherObjectCanSay(t *testing.T) {
	assert.Equal(t, []difference{{path: "immutable", fixed: true}}, compare("ConfigMap", m{"immutable": true}, m{"data": m{}}))
	assert.Equal(t, []difference{{path: "roleRef", fixed: true}},
		compare("RoleBinding", m{"roleRef": m{"name": "admin"}}, m{"roleRef": m{"name": "edge"}}))
}
