package crds

import (
	"context"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// Schema checks objects of one kind in one version. It may be used from several goroutines.
type Schema struct {
	// Namespaced says whether objects of the kind live in a namespace.
	Namespaced bool
	compile    func() (*compiled, error)
}

// compiled is what a schema is turned into on first use: CEL rules take a good part of a second to compile.
type compiled struct {
	structural *structuralschema.Structural
	openapi    validation.SchemaValidator
	cel        *cel.Validator
}

func compile(props *apiextensions.JSONSchemaProps) (*compiled, error) {
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, fmt.Errorf("converting to a structural schema: %w", err)
	}
	openapi, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, fmt.Errorf("building the schema validator: %w", err)
	}
	return &compiled{
		structural: structural,
		openapi:    openapi,
		cel:        cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// Violation is one thing that an API server would not accept.
type Violation struct {
	// Field is the path of the field, such as "spec.rules[0].matches[0].path".
	Field string
	// Message says what is wrong with it.
	Message string
}

// Admit does to obj, in place, what an API server does to an object that is created: it fills in the
// defaults, and names everything that the schema and its rules do not allow. Status is not the user's to
// write and is dropped. An error means that the schema itself cannot be used.
func (s *Schema) Admit(obj map[string]any) ([]Violation, error) {
	c, err := s.compile()
	if err != nil {
		return nil, err
	}
	delete(obj, "status")
	found := unknownFields(obj, c.structural)
	defaulting.PruneNonNullableNullsWithoutDefaults(obj, c.structural)
	defaulting.Default(obj, c.structural)
	delete(obj, "status")
	invalid := validation.ValidateCustomResource(nil, obj, c.openapi)
	invalid = append(invalid, listtype.ValidateListSetsAndMaps(nil, c.structural, obj)...)
	if c.cel != nil && !blocksRules(invalid) {
		broken, _ := c.cel.Validate(context.Background(), nil, c.structural, obj, nil, celconfig.RuntimeCELCostBudget)
		invalid = append(invalid, broken...)
	}
	for _, err := range invalid {
		found = append(found, Violation{Field: err.Field, Message: message(err)})
	}
	return found, nil
}

// unknownFields removes the fields that the schema does not know, and names them.
func unknownFields(obj map[string]any, s *structuralschema.Structural) []Violation {
	opts := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	var found []Violation
	for _, path := range pruning.PruneWithOptions(obj, s, true, opts) {
		found = append(found, Violation{Field: path, Message: "unknown field"})
	}
	return found
}

// message leaves out whole objects and lists, which the field's path already names.
func message(err *field.Error) string {
	switch err.BadValue.(type) {
	case map[string]any, []any:
		if err.Detail != "" {
			return err.Detail
		}
	}
	return err.ErrorBody()
}

// blocksRules tells whether an object is too far from its schema for CEL rules to say anything sensible.
// The same errors make an API server leave them out.
func blocksRules(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong,
			field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}
