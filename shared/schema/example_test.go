package schema_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/varnish-gateway/gateway/shared/schema"
)

// Any validator of draft 2020-12 takes the schemas.
func ExampleRouting() {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.Routing()))
	if err != nil {
		log.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("routing.json", document); err != nil {
		log.Fatal(err)
	}
	compiled, err := compiler.Compile("routing.json")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(compiled.Validate(map[string]any{"version": "1.0.0"}) != nil)
	// Output: true
}
