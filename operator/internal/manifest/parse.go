package manifest

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/varnish-gateway/gateway/operator/internal/crds"
)

// parsed is what one document turned out to be. Lines are those of the document itself, so that it can be
// kept while the document moves within its file.
type parsed struct {
	objects []parsedObject
	// ignored are the kinds of objects that have no meaning here.
	ignored []string
	// broken says that the document cannot be read at all; empty where it can.
	broken string
}

// parsedObject is one object of a document. Its value is nil where it has violations.
type parsedObject struct {
	key Key
	// line on which its value begins, below the first one of the document that has content.
	line       int
	object     metav1.Object
	violations []violation
}

// parser reads documents; it may be used from several goroutines.
type parser struct {
	registry *crds.Registry
}

func (p parser) parse(text []byte) parsed {
	values, err := decode(text)
	if err != nil {
		return parsed{broken: err.Error()}
	}
	var out parsed
	for _, value := range values {
		before := len(out.objects)
		p.add(&out, value.content)
		for i := range out.objects[before:] {
			out.objects[before+i].line = value.line
		}
	}
	return out
}

// add reads one value: an object, or a list of them.
func (p parser) add(out *parsed, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		out.broken = "not an object: apiVersion and kind are required"
		return
	}
	name, _ := object["kind"].(string)
	items, given := object["items"]
	if !given || !strings.HasSuffix(name, "List") {
		p.addObject(out, object)
		return
	}
	list, ok := items.([]any)
	if !ok && items != nil {
		out.broken = fmt.Sprintf("items of %s: must be a list", name)
		return
	}
	for _, item := range list {
		p.add(out, inherit(item, object, name))
	}
}

// inherit gives an item of a typed list, such as HTTPRouteList, the type that its list implies.
func inherit(item any, list map[string]any, name string) any {
	object, ok := item.(map[string]any)
	if !ok || name == "List" || object["kind"] != nil || object["apiVersion"] != nil {
		return item
	}
	object["apiVersion"] = list["apiVersion"]
	object["kind"] = strings.TrimSuffix(name, "List")
	return object
}

func (p parser) addObject(out *parsed, value map[string]any) {
	nameGenerated(value)
	key := keyOf(value)
	refuse := func(message string) {
		out.objects = append(out.objects, parsedObject{key: key, violations: []violation{{message: message}}})
	}
	gvk, err := typeOf(value)
	if err != nil {
		refuse(err.Error())
		return
	}
	k, known, err := lookup(p.registry, gvk)
	switch {
	case err != nil:
		refuse(err.Error())
		return
	case !known:
		out.ignored = append(out.ignored, gvk.Kind)
		return
	}
	if k.namespaced && key.Namespace == "" {
		key.Namespace = metav1.NamespaceDefault
	}
	object, found, err := admit(value, k)
	if err != nil {
		refuse(err.Error())
		return
	}
	if len(found) > 0 {
		object = nil
	}
	out.objects = append(out.objects, parsedObject{key: key, object: object, violations: found})
}

// admit does what an API server does to an object that is created.
func admit(value map[string]any, k kind) (metav1.Object, []violation, error) {
	var found []violation
	if k.schema != nil {
		violations, err := k.schema.Admit(value)
		if err != nil {
			return nil, nil, err
		}
		for _, v := range violations {
			found = append(found, violation{field: v.Field, message: v.Message})
		}
		unknown, err := unknownMetadata(value)
		if err != nil {
			return nil, nil, err
		}
		found = append(found, unknown...)
	}
	if k.decode == nil {
		return nil, append(found, violation{message: "this kind is not supported; the object would have no effect"}), nil
	}
	if len(found) > 0 {
		return nil, found, nil
	}
	data, err := encode(value)
	if err != nil {
		return nil, nil, err
	}
	object, found, err := k.decode(data)
	if err != nil {
		return nil, nil, err
	}
	return object, append(found, admitMetadata(object, k)...), nil
}

// unknownMetadata names the fields of metadata that there are not. The schema of a custom resource does not say.
func unknownMetadata(value map[string]any) ([]violation, error) {
	data, err := encode(map[string]any{"metadata": value["metadata"]})
	if err != nil {
		return nil, err
	}
	var object struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	strict, err := kjson.UnmarshalStrict(data, &object, kjson.DisallowUnknownFields)
	if err != nil {
		return nil, err
	}
	var found []violation
	for _, err := range strict {
		found = append(found, violation{message: err.Error()})
	}
	return found, nil
}

// keyOf reads the identity of an object as far as it has one.
func keyOf(value map[string]any) Key {
	key := Key{}
	key.Kind, _ = value["kind"].(string)
	if metadata, ok := value["metadata"].(map[string]any); ok {
		key.Namespace, _ = metadata["namespace"].(string)
		key.Name, _ = metadata["name"].(string)
	}
	return key
}
