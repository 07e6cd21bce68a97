package main

import (
	"fmt"
	"strings"
)

const opening = `# API reference: gateway.varnish.io/v1alpha1

The project's own kinds, made from their Go types by ` + "`go generate ./api/...`" + ` in ` + "`operator/`" + `. How they are used, and which of them wins:
[the guide to parameters](../guides/parameters.md). An API server holds objects to everything that stands here.
`

// foreign are the documentation pages of packages that types come from.
var foreign = map[string]string{
	"metav1":    "https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#",
	"gatewayv1": "https://pkg.go.dev/sigs.k8s.io/gateway-api/apis/v1#",
	"corev1":    "https://pkg.go.dev/k8s.io/api/core/v1#",
	"resource":  "https://pkg.go.dev/k8s.io/apimachinery/pkg/api/resource#",
	"intstr":    "https://pkg.go.dev/k8s.io/apimachinery/pkg/util/intstr#",
}

// write makes the page: the kinds first, then what they consist of.
func write(types []apiType) string {
	var b strings.Builder
	b.WriteString(opening)
	own := map[string]apiType{}
	for _, t := range types {
		own[t.name] = t
	}
	for _, roots := range []bool{true, false} {
		for _, t := range types {
			if t.root == roots && !strings.HasSuffix(t.name, "List") {
				writeType(&b, t, own)
			}
		}
	}
	return b.String()
}

func writeType(b *strings.Builder, t apiType, own map[string]apiType) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", t.name, t.doc)
	if scope, ok := t.markers.value("kubebuilder:resource"); ok {
		fmt.Fprintf(b, "\n%s.\n", scopeOf(scope))
	}
	if words := t.markers.words(); len(words) > 0 {
		fmt.Fprintf(b, "\nOne of `%s`.\n", strings.Join(words, "`, `"))
	} else if limits := t.markers.limits(); len(t.fields) == 0 && len(limits) > 0 {
		fmt.Fprintf(b, "\nLimits: %s.\n", strings.Join(limits, "; "))
		return
	}
	if rules := t.markers.rules(); len(rules) > 0 {
		fmt.Fprintf(b, "\nRules: %s.\n", strings.Join(rules, "; "))
	}
	writeFields(b, t, own)
}

// scopeOf tells whether a kind lives in a namespace, which it does if nothing is said.
func scopeOf(marker string) string {
	if strings.Contains(marker, "scope=Cluster") {
		return "Belongs to the cluster"
	}
	return "Belongs to a namespace"
}

func writeFields(b *strings.Builder, t apiType, own map[string]apiType) {
	var rows strings.Builder
	for _, f := range t.fields {
		if f.name == "" {
			fmt.Fprintf(b, "\nIt has all fields of %s.\n", link(f.typ, own))
			continue
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", f.name, kindOf(f.typ, own), defaultOf(f), meaning(f))
	}
	if rows.Len() > 0 {
		b.WriteString("\n| field | type | default | meaning |\n|---|---|---|---|\n" + rows.String())
	}
}

// defaultOf is what an API server fills in; a field without one is optional or required.
func defaultOf(f apiField) string {
	if value, ok := f.markers.value("kubebuilder:default"); ok {
		return "`" + strings.Trim(value, `"`) + "`"
	}
	if f.optional {
		return ""
	}
	return "required"
}

func meaning(f apiField) string {
	text := f.doc
	if limits := f.markers.limits(); len(limits) > 0 {
		text += " Limits: " + strings.Join(limits, "; ") + "."
	}
	return strings.ReplaceAll(text, "|", `\|`)
}

func kindOf(t fieldType, own map[string]apiType) string {
	name := link(t, own)
	switch {
	case t.set:
		return "map of " + name
	case t.list:
		return "list of " + name
	}
	return name
}

// link names a type: with a link to its section, or to where it comes from.
func link(t fieldType, own map[string]apiType) string {
	switch {
	case t.pkg != "":
		return fmt.Sprintf("[%s](%s%s)", t.name, foreign[t.pkg], t.name)
	case own[t.name].name != "":
		return fmt.Sprintf("[%s](#%s)", t.name, strings.ToLower(t.name))
	case strings.HasPrefix(t.name, "int"):
		return "integer"
	}
	return t.name
}
