package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/varnish-gateway/gateway/operator/internal/findings"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

func newCheck() *cobra.Command {
	var paths []string
	var output string
	cmd := &cobra.Command{
		Use:   "check -f DIR",
		Short: "Report everything that is wrong with the manifests",
		Long: `Check reads the manifests as an API server would, translates them, and reports what is wrong: fields that an
API server would refuse, references that lead nowhere, and conditions that would not be as they should. It exits
with status 1 if there is anything; notes are no fault. It starts nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, result, err := load(paths)
			if err != nil {
				return err
			}
			return writeFindings(cmd.OutOrStdout(), output, set, findings.Of(set, result.Report))
		},
	}
	addFile(cmd, &paths)
	cmd.Flags().StringVarP(&output, "output", "o", "text", "form of the report: text or json")
	return cmd
}

// load reads and translates manifests once.
func load(paths []string) (*manifest.Set, translate.Result, error) {
	reader, err := manifest.NewReader(paths...)
	if err != nil {
		return nil, translate.Result{}, err
	}
	set, err := reader.Read()
	if err != nil {
		return nil, translate.Result{}, err
	}
	return set, translate.Translate(set.Inputs(inputs.Options{})), nil
}

func writeFindings(w io.Writer, form string, set *manifest.Set, found findings.Findings) error {
	switch form {
	case "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(map[string]any{
			"problems": append([]manifest.Problem{}, found.Problems...),
			"notes":    append([]manifest.Problem{}, found.Notes...),
			"ignored":  set.Ignored,
		}); err != nil {
			return err
		}
	case "text":
		writeText(w, set, found)
	default:
		return fmt.Errorf("no output form %q; there are text and json", form)
	}
	if len(found.Problems) > 0 {
		return errFound
	}
	return nil
}

func writeText(w io.Writer, set *manifest.Set, found findings.Findings) {
	for _, problem := range found.Problems {
		fmt.Fprintln(w, problem)
	}
	for _, note := range found.Notes {
		fmt.Fprintln(w, "note:", note)
	}
	if ignored := set.IgnoredKinds(); ignored != "" {
		fmt.Fprintln(w, "ignored:", ignored)
	}
	if len(found.Problems) == 0 {
		fmt.Fprintln(w, "no problems")
	}
}
