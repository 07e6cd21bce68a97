package options

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// Table is the table of flags as Markdown, for docs/reference/chaperone.md.
func Table() string {
	var b strings.Builder
	b.WriteString("| flag | default | meaning |\n|---|---|---|\n")
	new(raw).flags().VisitAll(func(flag *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(flag)
		if value == "stringArray" || value == "duration" {
			value = strings.ToUpper(strings.TrimPrefix(value, "string"))
		}
		name := "--" + flag.Name
		if value != "" {
			name += " " + strings.ReplaceAll(value, "|", `\|`)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, defaultOf(flag), strings.ReplaceAll(usage, "|", `\|`))
	})
	return b.String()
}

func defaultOf(flag *pflag.Flag) string {
	switch flag.DefValue {
	case "", "[]", "false":
		return ""
	}
	return "`" + flag.DefValue + "`"
}
