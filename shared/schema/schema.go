// Package schema holds the JSON Schemas (draft 2020-12) of the contracts, for validators and editors. They say
// what a writer of this version writes. Readers ignore what they do not know, so members of other names are
// allowed everywhere. They are generated from the Go types of packages routing, ghostconf and adminapi.
package schema

import (
	"bytes"
	_ "embed"
)

var (
	//go:embed routing.schema.json
	routing []byte
	//go:embed shard.schema.json
	shard []byte
	//go:embed ghost.schema.json
	ghost []byte
	//go:embed status.schema.json
	status []byte
)

// Routing gives the schema of routing.json.
func Routing() []byte { return bytes.Clone(routing) }

// Shard gives the schema of routes.json, the content of one shard.
func Shard() []byte { return bytes.Clone(shard) }

// Ghost gives the schema of ghost.json.
func Ghost() []byte { return bytes.Clone(ghost) }

// Status gives the schema of what chaperone's admin API answers to a question for its status.
func Status() []byte { return bytes.Clone(status) }
