package schemagen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
)

// Tables gives the field tables of a contract in Markdown: the root first, then the others in the order in which
// they are first referred to, unless another contract on the same page has them.
func (c Contract) Tables() (string, error) {
	schema, err := c.Schema()
	if err != nil {
		return "", err
	}
	var page strings.Builder
	root := strings.TrimPrefix(schema.Ref, definitions)
	pending, seen := []string{root}, map[string]bool{root: true}
	for len(pending) > 0 {
		name := pending[0]
		pending = pending[1:]
		for _, next := range table(&page, c, name, schema.Definitions[name]) {
			if !seen[next] && !c.rootOnly {
				seen[next] = true
				pending = append(pending, next)
			}
		}
	}
	return page.String(), nil
}

const definitions = "#/$defs/"

// table writes the table of one type and gives the types that its fields refer to.
func table(page *strings.Builder, c Contract, name string, definition *jsonschema.Schema) []string {
	title := name
	if name == "Config" || name == "Shard" {
		title = "`" + c.File + "`"
	}
	fmt.Fprintf(page, "### %s\n\n%s\n\n| field | type | always there | meaning |\n|---|---|---|---|\n", title, definition.Description)
	var references []string
	for pair := definition.Properties.Oldest(); pair != nil; pair = pair.Next() {
		always := ""
		if slices.Contains(definition.Required, pair.Key) {
			always = "yes"
		}
		fmt.Fprintf(page, "| `%s` | %s | %s | %s |\n", pair.Key, typeName(pair.Value), always, cell(pair.Value.Description+limits(pair.Value)))
		if reference := referenceOf(pair.Value); reference != "" {
			references = append(references, reference)
		}
	}
	page.WriteString("\n")
	return references
}

// referenceOf is the type that a field or the elements of its list have; empty for a plain one.
func referenceOf(field *jsonschema.Schema) string {
	if field.Items != nil {
		return referenceOf(field.Items)
	}
	return strings.TrimPrefix(field.Ref, definitions)
}

func typeName(field *jsonschema.Schema) string {
	if field.Items != nil {
		return "list of " + typeName(field.Items)
	}
	if reference := referenceOf(field); reference != "" {
		return fmt.Sprintf("[%s](#%s)", reference, strings.ToLower(reference))
	}
	return field.Type
}

func limits(field *jsonschema.Schema) string {
	var limits strings.Builder
	if len(field.Enum) > 0 {
		values := make([]string, len(field.Enum))
		for i, value := range field.Enum {
			if values[i] = fmt.Sprintf("`%v`", value); value == "" {
				values[i] = "empty"
			}
		}
		fmt.Fprintf(&limits, " One of %s.", strings.Join(values, ", "))
	}
	switch {
	case field.Minimum != "" && field.Maximum != "":
		fmt.Fprintf(&limits, " From %s to %s.", field.Minimum, field.Maximum)
	case field.Minimum != "":
		fmt.Fprintf(&limits, " At least %s.", field.Minimum)
	}
	return limits.String()
}

// cell keeps text within its cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
}
