package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// doubtFor is how long a file that held slices must have been empty to be believed: an editor, and a shell, empties a
// file before it writes it.
const doubtFor = 250 * time.Millisecond

// slicesReader reads manifests of EndpointSlices. A file that is broken keeps the slices that it had, and so does one
// that was emptied a moment ago.
type slicesReader struct {
	place
	byFile    map[string][]*discoveryv1.EndpointSlice
	delivered map[types.NamespacedName]*discoveryv1.EndpointSlice
	// emptied says since when files that held slices have been empty.
	emptied map[string]time.Time
	now     func() time.Time
}

func (r *slicesReader) read(u *Update) (again bool) {
	if !r.changed(u) && len(r.emptied) == 0 {
		return false
	}
	byFile, emptied, problems := map[string][]*discoveryv1.EndpointSlice{}, map[string]time.Time{}, []string{}
	for _, file := range slices.Sorted(maps.Keys(r.files)) {
		if !isManifest(file) {
			continue
		}
		if since, doubtful := r.doubts(file); doubtful {
			emptied[file], byFile[file] = since, r.byFile[file]
			continue
		}
		parsed, err := parseSlices(r.files[file])
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", file, err))
			parsed = r.byFile[file]
		}
		byFile[file] = parsed
	}
	r.byFile, r.emptied = byFile, emptied
	u.report(r.name, strings.Join(problems, "\n"))
	r.tell(u)
	u.Synced = append(u.Synced, EveryNamespace)
	return len(emptied) > 0
}

// doubts says whether a file that held slices is empty, and has not been so for long; and since when.
func (r *slicesReader) doubts(file string) (since time.Time, doubtful bool) {
	if len(r.files[file]) > 0 || len(r.byFile[file]) == 0 {
		return since, false
	}
	now := r.now()
	since, known := r.emptied[file]
	if !known {
		return now, true
	}
	return since, now.Sub(since) < doubtFor
}

// tell adds what differs from what was told before.
func (r *slicesReader) tell(u *Update) {
	now := map[types.NamespacedName]*discoveryv1.EndpointSlice{}
	for _, file := range slices.Sorted(maps.Keys(r.byFile)) {
		for _, slice := range r.byFile[file] {
			now[types.NamespacedName{Namespace: slice.Namespace, Name: slice.Name}] = slice
		}
	}
	for name := range r.delivered {
		if now[name] == nil {
			u.Deleted = append(u.Deleted, name)
		}
	}
	for name, slice := range now {
		if !reflect.DeepEqual(slice, r.delivered[name]) {
			u.Slices = append(u.Slices, slice)
		}
	}
	r.delivered = now
}

func isManifest(file string) bool {
	switch filepath.Ext(file) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// parseSlices gives the EndpointSlices among the documents of a manifest, those in lists included. Other
// kinds are not looked at.
func parseSlices(manifest []byte) ([]*discoveryv1.EndpointSlice, error) {
	var found []*discoveryv1.EndpointSlice
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for number := 1; ; number++ {
		var raw runtime.RawExtension
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err == nil {
			found, err = appendSlices(found, raw.Raw, false)
		}
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
	}
}

// appendSlices reads one document. The items of an EndpointSliceList need not say what they are.
func appendSlices(found []*discoveryv1.EndpointSlice, document []byte, inSliceList bool) ([]*discoveryv1.EndpointSlice, error) {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return nil, err
	}
	ours := kind.APIVersion == discoveryv1.SchemeGroupVersion.String()
	switch {
	case ours && kind.Kind == "EndpointSlice", inSliceList && kind.Kind == "":
		slice := &discoveryv1.EndpointSlice{}
		if err := yaml.Unmarshal(document, slice); err != nil {
			return nil, err
		}
		if slice.Namespace == "" {
			slice.Namespace = corev1.NamespaceDefault
		}
		return append(found, slice), nil
	case strings.HasSuffix(kind.Kind, "List"):
		var list struct {
			Items []runtime.RawExtension `json:"items"`
		}
		if err := yaml.Unmarshal(document, &list); err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			var err error
			if found, err = appendSlices(found, item.Raw, ours && kind.Kind == "EndpointSliceList"); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}
