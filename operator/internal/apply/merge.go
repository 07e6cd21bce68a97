package apply

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
)

// merge is the live object with everything in it as desired, and what others may add to it as it is. Metadata stays: nothing
// there can keep server-side apply from doing it.
func merge(kind string, live, desired map[string]any) map[string]any {
	m := merger{kind: kind}
	merged := m.maps("", runtime.DeepCopyJSON(live), runtime.DeepCopyJSON(desired))
	merged["metadata"] = live["metadata"]
	return merged
}

type merger struct{ kind string }

func (m merger) value(path string, live, desired any) any {
	switch ruleOf(m.kind, path) {
	case whole, fixed:
		if equal(live, desired) {
			return live
		}
		return desired
	case further:
		return m.further(path, live, desired)
	}
	switch desired := desired.(type) {
	case map[string]any:
		live, _ := live.(map[string]any)
		return m.maps(path, live, desired)
	case []any:
		live, _ := live.([]any)
		merged := make([]any, 0, len(desired))
		for _, want := range desired {
			// What the API server has added to an element stays with it, such as the node port of a port.
			if i := find(path, live, want); i >= 0 {
				want = m.value(path+"[]", live[i], want)
			}
			merged = append(merged, want)
		}
		return merged
	}
	return desired
}

func (m merger) maps(path string, live, desired map[string]any) map[string]any {
	if live == nil {
		live = map[string]any{}
	}
	for key, want := range desired {
		if has, there := live[key]; there || !empty(want) {
			live[key] = m.value(join(path, key), has, want)
		}
	}
	for _, key := range ruled(m.kind, path) {
		if _, said := desired[key]; !said && !empty(live[key]) {
			delete(live, key)
		}
	}
	return live
}

func (m merger) further(path string, live, desired any) any {
	has, _ := live.([]any)
	wants, _ := desired.([]any)
	merged := slices.Clone(has)
	for _, want := range wants {
		if i := find(path, merged, want); i >= 0 {
			merged[i] = m.value(path+"[]", merged[i], want)
		} else {
			merged = append(merged, want)
		}
	}
	return merged
}
