package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/reference/gatewayctl.md anew")

const referencePage = "../../../docs/reference/gatewayctl.md"

func TestTheReferencePageSaysWhatTheFlagsSay(t *testing.T) {
	page := reference(newRoot(io.Discard, io.Discard))
	if *update {
		require.NoError(t, os.WriteFile(referencePage, []byte(page), 0o644))
	}
	data, err := os.ReadFile(referencePage)
	require.NoError(t, err)
	assert.Equal(t, page, string(data), "run: go test ./cmd/gatewayctl -update")
}

// reference is the page as Markdown.
func reference(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# gatewayctl: commands and flags\n\n%s. How it is used: [the guide](../guides/gatewayctl.md).\n", root.Short)
	b.WriteString("This page is made from the program's own flags.\n")
	commands(&b, root, "gatewayctl")
	return b.String()
}

// commands writes those of a parent that do something.
func commands(b *strings.Builder, parent *cobra.Command, path string) {
	for _, cmd := range parent.Commands() {
		if cmd.Name() == "help" {
			continue
		}
		if !cmd.Runnable() {
			commands(b, cmd, path+" "+cmd.Name())
			continue
		}
		fmt.Fprintf(b, "\n## %s %s\n\n", path, cmd.Use)
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		b.WriteString(text + "\n")
		if cmd.Example != "" {
			fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.ReplaceAll(cmd.Example, "  gatewayctl", "gatewayctl"))
		}
		flagTable(b, cmd.LocalFlags())
	}
}

func flagTable(b *strings.Builder, flags *pflag.FlagSet) {
	first := true
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		if first {
			b.WriteString("\n| flag | default | meaning |\n|---|---|---|\n")
		}
		first = false
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, defaultOf(f), f.Usage)
	})
}

// defaultOf is what stands in the table; a default that is no fixed value is told by the flag's own words.
func defaultOf(f *pflag.Flag) string {
	switch {
	case f.Annotations[cobra.BashCompOneRequiredFlag] != nil:
		return "required"
	case f.DefValue == "" || f.DefValue == "[]":
		return ""
	}
	return "`" + f.DefValue + "`"
}
