package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
)

// AnnotationDigest tells what was applied: the digest of it.
const AnnotationDigest = "gateway.varnish.io/applied"

func digest(said []byte) string {
	sum := sha256.Sum256(said)
	return hex.EncodeToString(sum[:16])
}

// holds tells whether the live value says everything that the desired one does. It may say more: defaults, and what
// others wrote. Lists must have the same elements, each of which may say more.
func holds(live, desired any) bool {
	switch desired := desired.(type) {
	case map[string]any:
		live, ok := live.(map[string]any)
		if !ok {
			return len(desired) == 0
		}
		for key, value := range desired {
			if key == "ownerReferences" {
				// Others may own the object too, and the API server merges this list.
				if !holdsEach(live[key], value) {
					return false
				}
				continue
			}
			if has, there := live[key]; (!there && !empty(value)) || (there && !holds(has, value)) {
				return false
			}
		}
		return true
	case []any:
		live, ok := live.([]any)
		if !ok || len(live) != len(desired) {
			return len(desired) == 0 && len(live) == 0
		}
		for i := range desired {
			if !holds(live[i], desired[i]) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(live, desired)
	}
}

// holdsEach tells whether each desired element is held by one of the live ones.
func holdsEach(live, desired any) bool {
	has, _ := live.([]any)
	wants, _ := desired.([]any)
	for _, want := range wants {
		if !slices.ContainsFunc(has, func(element any) bool { return holds(element, want) }) {
			return false
		}
	}
	return true
}

// empty tells whether an API server may leave out a value.
func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		for _, each := range value {
			if !empty(each) {
				return false
			}
		}
		return true
	case []any:
		return len(value) == 0
	}
	return false
}
