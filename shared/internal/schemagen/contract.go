// Package schemagen generates the JSON Schemas of the contracts, and the field tables of their reference pages, from
// the Go types and their doc comments. The schemas say what a writer of this version writes; since readers ignore what
// they do not know, members of other names are allowed everywhere.
package schemagen

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

//go:generate go run ./generate

const modulePath = "github.com/varnish-gateway/gateway/shared"

// Where the schemas and the reference pages are, from the directory of this package.
const (
	Dir      = "../../schema"
	PagesDir = "../../../docs/reference"
)

// Contract is one kind of file, or of answer.
type Contract struct {
	// Name of the schema: its file is Name + ".schema.json".
	Name string
	// File is the name of what it describes.
	File string
	// Version of the contract.
	Version string
	// Page is the reference page with its field tables.
	Page string
	root any
	// rootOnly says that the page has the tables of the other types already.
	rootOnly bool
}

// Contracts are all kinds of files that have a schema.
func Contracts() []Contract {
	return []Contract{
		{Name: "routing", File: routing.File, Version: routing.Version, Page: "routing.md", root: routing.Config{}},
		{Name: "shard", File: routing.ShardFile, Version: routing.Version, Page: "routing.md", root: routing.Shard{}, rootOnly: true},
		{Name: "ghost", File: ghostconf.File, Version: ghostconf.Version, Page: "ghost.md", root: ghostconf.Config{}},
		{Name: "status", File: "status", Version: adminapi.Version, Page: "admin-api.md", root: adminapi.Status{}},
	}
}

// FileName is the name of the schema's own file.
func (c Contract) FileName() string { return c.Name + ".schema.json" }

// Schema gives the contract's schema (JSON Schema 2020-12). The working directory must be that of this package, since
// the doc comments are read from the sources beside it.
func (c Contract) Schema() (*jsonschema.Schema, error) {
	reflector := jsonschema.Reflector{Anonymous: true, AllowAdditionalProperties: true}
	for _, dir := range []string{"../../routing", "../../ghostconf", "../../adminapi", "../../contract"} {
		if err := reflector.AddGoComments(modulePath+"/internal/schemagen", dir, jsonschema.WithFullComment()); err != nil {
			return nil, fmt.Errorf("read doc comments of %s: %w", dir, err)
		}
	}
	for name, comment := range reflector.CommentMap {
		reflector.CommentMap[name] = unwrap(comment)
	}
	schema := reflector.ReflectFromType(reflect.TypeOf(c.root))
	schema.Title = c.File + " " + c.Version
	for name, definition := range schema.Definitions {
		if definition.Description == "" {
			return nil, fmt.Errorf("type %s has no doc comment", name)
		}
		for pair := definition.Properties.Oldest(); pair != nil; pair = pair.Next() {
			if pair.Value.Description == "" {
				return nil, fmt.Errorf("field %s of type %s has no doc comment", pair.Key, name)
			}
		}
	}
	return schema, nil
}

// JSON gives the bytes of the schema's file.
func (c Contract) JSON() ([]byte, error) {
	schema, err := c.Schema()
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode schema of %s: %w", c.File, err)
	}
	return append(data, '\n'), nil
}

// unwrap makes one line of a comment.
func unwrap(comment string) string {
	return strings.Join(strings.Fields(comment), " ")
}
