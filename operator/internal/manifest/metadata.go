package manifest

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// uidSpace makes the UIDs of objects in files differ from those of any cluster.
var uidSpace = uuid.MustParse("6f0c8f5c-5d0b-4f6e-9d52-0c6f0b0b7c11")

// epoch is the age of objects that name none, so that age decides nothing between them.
var epoch = metav1.NewTime(time.Unix(0, 0).UTC())

// longestPrefix is how much of generateName an API server takes.
const longestPrefix = 58

// nameGenerated names an object that has only generateName. Where an API server takes random characters, these are a digest of
// the object, so that it has the same name each time it is read.
func nameGenerated(value map[string]any) {
	metadata, _ := value["metadata"].(map[string]any)
	prefix, _ := metadata["generateName"].(string)
	if prefix == "" || metadata["name"] != nil {
		return
	}
	digest := fnv.New32a()
	// Maps print in the order of their keys.
	fmt.Fprint(digest, value)
	metadata["name"] = prefix[:min(len(prefix), longestPrefix)] + rand.SafeEncodeString(fmt.Sprintf("%05d", digest.Sum32()%100_000))
}

// admitMetadata fills in what an API server would have set, and checks the names.
func admitMetadata(object metav1.Object, k kind) []violation {
	if k.namespaced && object.GetNamespace() == "" {
		object.SetNamespace(metav1.NamespaceDefault)
	}
	if object.GetUID() == "" {
		id := k.gvk.GroupKind().String() + " " + object.GetNamespace() + "/" + object.GetName()
		object.SetUID(types.UID(uuid.NewSHA1(uidSpace, []byte(id)).String()))
	}
	if object.GetCreationTimestamp().Time.IsZero() {
		object.SetCreationTimestamp(epoch)
	}
	if object.GetGeneration() == 0 {
		object.SetGeneration(1)
	}
	var found []violation
	for _, err := range validation.ValidateObjectMetaAccessor(object, k.namespaced, nameRule(k.gvk.Kind), field.NewPath("metadata")) {
		found = append(found, violation{field: err.Field, message: err.ErrorBody()})
	}
	return found
}

func nameRule(kind string) validation.ValidateNameFunc {
	switch kind {
	case "Namespace":
		return validation.ValidateNamespaceName
	case "Service":
		return validation.NameIsDNSLabel
	default:
		return validation.NameIsDNSSubdomain
	}
}
