package featuretest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

const (
	stepMark   = "# === "
	givesMark  = "# --- gives"
	showMark   = "# show: "
	deleteMark = "# delete: "
)

// Case is a file of testdata.
type Case struct {
	// Preface are the comment lines before the first step.
	Preface string
	// Show are the kinds of output that the case is about.
	Show  map[string]bool
	Steps []Step
}

// Step is what changes, and what is then expected.
type Step struct {
	Name      string
	Manifests string
	// Delete lists objects to delete, as "Kind namespace/name" or "Kind name".
	Delete []string
	Want   string
}

// ParseCase reads a file of testdata.
func ParseCase(text string) (*Case, error) {
	preface, rest, found := strings.Cut(text, stepMark)
	if !found {
		return nil, fmt.Errorf("no line begins with %q", stepMark)
	}
	c := &Case{Preface: preface, Show: map[string]bool{"status": true}}
	for line := range strings.Lines(preface) {
		if list, ok := strings.CutPrefix(line, showMark); ok {
			clear(c.Show)
			for _, each := range strings.Split(list, ",") {
				c.Show[strings.TrimSpace(each)] = true
			}
		}
	}
	for _, part := range strings.Split(rest, "\n"+stepMark) {
		name, body, _ := strings.Cut(part, "\n")
		manifests, want, _ := strings.Cut(body+"\n", givesMark+"\n")
		step := Step{Name: name, Manifests: manifests, Want: strings.TrimRight(want, "\n")}
		for line := range strings.Lines(manifests) {
			if object, ok := strings.CutPrefix(line, deleteMark); ok {
				step.Delete = append(step.Delete, strings.TrimSpace(object))
			}
		}
		c.Steps = append(c.Steps, step)
	}
	return c, nil
}

// Format writes the file, with what the steps expect.
func (c *Case) Format() string {
	var b strings.Builder
	b.WriteString(c.Preface)
	for _, step := range c.Steps {
		b.WriteString(stepMark + step.Name + "\n" + step.Manifests)
		if !strings.HasSuffix(step.Manifests, "\n") {
			b.WriteString("\n")
		}
		b.WriteString(givesMark + "\n" + strings.TrimRight(step.Want, "\n") + "\n")
	}
	return b.String()
}

// objects are manifests by "Kind namespace/name".
type objects map[string]map[string]any

// apply takes over the manifests of a step.
func (o objects) apply(step Step) error {
	if err := o.add(step.Manifests); err != nil {
		return err
	}
	for _, name := range step.Delete {
		if _, ok := o[name]; !ok {
			return fmt.Errorf("cannot delete %s: it is not there", name)
		}
		delete(o, name)
	}
	return nil
}

func (o objects) add(manifests string) error {
	for _, document := range regexp.MustCompile(`(?m)^---$`).Split(expand(manifests), -1) {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			return fmt.Errorf("reading a manifest: %w", err)
		}
		if object == nil {
			continue
		}
		o[nameOf(object)] = object
	}
	return nil
}

func nameOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	if namespace, ok := metadata["namespace"]; ok {
		return fmt.Sprintf("%v %v/%v", object["kind"], namespace, metadata["name"])
	}
	return fmt.Sprintf("%v %v", object["kind"], metadata["name"])
}

var longName = regexp.MustCompile(`\{\{long ([0-9]+)\}\}`)

// expand writes out the names that stand for something long.
func expand(text string) string {
	return longName.ReplaceAllStringFunc(text, func(mark string) string {
		n, err := strconv.Atoi(longName.FindStringSubmatch(mark)[1])
		if err != nil {
			return mark
		}
		return strings.Repeat("n", n)
	})
}

// contract turns long names back into their marks, so that expected outputs stay readable.
func contract(text string) string {
	return regexp.MustCompile(`n{50,}`).ReplaceAllStringFunc(text, func(name string) string {
		return fmt.Sprintf("{{long %d}}", len(name))
	})
}
