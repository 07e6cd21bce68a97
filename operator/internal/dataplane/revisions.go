package dataplane

import (
	"fmt"
	"slices"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/contract"
)

// Revisions of a published file of which every pod is to run one.
type Revisions struct {
	// Contents that will do, by their digests, the newest last.
	Contents []string
	// Newest is the sequence of the newest.
	Newest int64
	// Since is the lowest sequence that will do where a pod does not tell the content: one before version 1.3 of the admin API.
	Since int64
}

// Revision is a file of which nothing but this content will do.
func Revision(sequence int64, file []byte) Revisions {
	return Revisions{Contents: []string{contract.Digest(file)}, Newest: sequence, Since: sequence}
}

// includes tells whether what a pod says to run is one of the revisions.
func (r Revisions) includes(s *adminapi.Status, sequence int64, digest string) bool {
	if !tellsContents(s) {
		return sequence >= r.Since
	}
	return len(r.Contents) == 0 || slices.Contains(r.Contents, digest)
}

// instead says what a pod runs that is none of the revisions.
func (r Revisions) instead(what string, sequence int64) string {
	if sequence == r.Newest {
		return fmt.Sprintf("another %s %d than is published", what, sequence)
	}
	return fmt.Sprintf("%s %d, not yet %d", what, sequence, r.Newest)
}

// tellsContents tells whether a pod says by their contents which files it runs.
func tellsContents(s *adminapi.Status) bool {
	version, err := contract.ParseVersion(s.Versions.Contracts.Admin)
	return err == nil && version.Minor >= firstWithContents
}

// firstWithContents is the minor version of the admin API whose pods tell the contents.
const firstWithContents = 3
