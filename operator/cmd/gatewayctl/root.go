package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
)

// errFound ends a command that has already said what is wrong.
var errFound = errors.New("problems found")

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "gatewayctl",
		Short:         "Run, check and explain Varnish Gateways from a directory of manifests",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newRun(), newCheck(), newExplain(), newPurge(), newCache(), newVersion())
	return root
}

// addFile adds the flag that every command which reads manifests has.
func addFile(cmd *cobra.Command, paths *[]string) {
	cmd.Flags().StringArrayVarP(paths, "file", "f", nil, "directory with manifests, or a single file (repeated to read several as one)")
	if err := cmd.MarkFlagRequired("file"); err != nil {
		panic(err) // the flag was added on the line before
	}
}
