package local

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// endpoints is the directory of EndpointSlices, one file each, so that a change of one slice writes one file.
type endpoints struct {
	dir string
	// live is the slice that each file holds. Readings share objects that did not change.
	live map[string]*discoveryv1.EndpointSlice
}

// openEndpoints starts from an empty directory: slices that an earlier run left say nothing about now.
func openEndpoints(dir string) (*endpoints, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &endpoints{dir: dir, live: map[string]*discoveryv1.EndpointSlice{}}, nil
}

// write makes slices the content of the directory.
func (e *endpoints) write(slices []*discoveryv1.EndpointSlice) error {
	seen := make(map[string]bool, len(slices))
	for _, slice := range slices {
		name := sliceFile(slice)
		seen[name] = true
		if e.live[name] == slice {
			continue
		}
		data, err := json.Marshal(slice)
		if err != nil {
			return fmt.Errorf("encoding EndpointSlice %s/%s: %w", slice.Namespace, slice.Name, err)
		}
		if err := replaceFile(filepath.Join(e.dir, name), data, 0o600); err != nil {
			return err
		}
		e.live[name] = slice
	}
	for name := range e.live {
		if seen[name] {
			continue
		}
		if err := os.Remove(filepath.Join(e.dir, name)); err != nil {
			return err
		}
		delete(e.live, name)
	}
	return nil
}

// sliceFile is a name that fits in a directory however long the object's own is.
func sliceFile(slice *discoveryv1.EndpointSlice) string {
	digest := sha256.Sum256([]byte(slice.Namespace + "/" + slice.Name))
	return hex.EncodeToString(digest[:16]) + ".json"
}

// replaceFile swaps a file for a new one, so that a reader sees the whole of either.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := os.WriteFile(tmp, data, mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
