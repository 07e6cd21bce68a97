package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// apiType is a type of the API.
type apiType struct {
	name string
	doc  string
	// markers of controller-gen on the type.
	markers markers
	// fields of an object; none for an enumeration.
	fields []apiField
	// root tells whether the type is a kind.
	root bool
}

// apiField is a member of an object.
type apiField struct {
	// name in JSON; empty where all members of the type stand here.
	name     string
	doc      string
	typ      fieldType
	markers  markers
	optional bool
}

// readTypes reads the types of the Go package in a directory, in the order of their names.
func readTypes(dir string) ([]apiType, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_types.go"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no types in %s", dir)
	}
	var types []apiType
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, declaration := range parsed.Decls {
			if general, ok := declaration.(*ast.GenDecl); ok && general.Tok == token.TYPE {
				types = append(types, typesOf(general)...)
			}
		}
	}
	slices.SortFunc(types, func(a, b apiType) int { return strings.Compare(a.name, b.name) })
	return types, nil
}

func typesOf(declaration *ast.GenDecl) []apiType {
	var types []apiType
	for _, spec := range declaration.Specs {
		spec := spec.(*ast.TypeSpec)
		doc, marked := split(declaration.Doc)
		t := apiType{name: spec.Name.Name, doc: doc, markers: marked, root: marked.has("kubebuilder:object:root")}
		if structure, ok := spec.Type.(*ast.StructType); ok {
			t.fields = fieldsOf(structure)
		}
		types = append(types, t)
	}
	return types
}

// fieldsOf lists the members of an object, without what every object of Kubernetes has.
func fieldsOf(structure *ast.StructType) []apiField {
	var fields []apiField
	for _, f := range structure.Fields.List {
		typ := typeOf(f.Type)
		if typ.pkg == "metav1" && strings.HasSuffix(typ.name, "Meta") {
			continue
		}
		doc, marked := split(f.Doc)
		name, _, _ := strings.Cut(jsonTag(f.Tag), ",")
		fields = append(fields, apiField{
			name: name, doc: doc, typ: typ, markers: marked, optional: marked.has("optional"),
		})
	}
	return fields
}

func jsonTag(tag *ast.BasicLit) string {
	if tag == nil {
		return ""
	}
	return reflect.StructTag(strings.Trim(tag.Value, "`")).Get("json")
}

// fieldType is what stands in a field.
type fieldType struct {
	// pkg is the import name of a type from elsewhere.
	pkg, name string
	list, set bool
}

func typeOf(expression ast.Expr) fieldType {
	switch e := expression.(type) {
	case *ast.StarExpr:
		return typeOf(e.X)
	case *ast.ArrayType:
		t := typeOf(e.Elt)
		t.list = true
		return t
	case *ast.MapType:
		t := typeOf(e.Value)
		t.set = true
		return t
	case *ast.SelectorExpr:
		return fieldType{pkg: e.X.(*ast.Ident).Name, name: e.Sel.Name}
	case *ast.Ident:
		return fieldType{name: e.Name}
	}
	panic(fmt.Sprintf("no type for %T", expression))
}
