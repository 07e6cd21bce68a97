package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/varnish-gateway/gateway/operator/internal/explain"
	"github.com/varnish-gateway/gateway/operator/internal/sibling"
)

func newExplain() *cobra.Command {
	var gateway, output, ghost string
	var paths, headers, responseHeaders []string
	var status int
	cmd := &cobra.Command{
		Use:   "explain -f DIR METHOD URL",
		Short: "Say which listener, route, rule and backend a request would get, why not the others, and how it is cached",
		Long: `Explain says which listener, route, rule and backend a request would get, and why not the others. It asks no running
gateway: it reads the manifests, translates them, and decides as a gateway would. Where cache policies hold for the
request, it says which, which of them each field comes from, and the key; and, with the status or headers of an
answer, whether that would be stored, for how long, and why not.`,
		Example: `  gatewayctl explain -f examples/demo GET http://demo.localhost:8080/hello
  gatewayctl explain -f examples/demo GET https://demo.localhost:8443/split -H 'X-Version: blue'
  gatewayctl explain -f examples/demo GET http://demo.localhost:8080/cached -A 'Cache-Control: max-age=60'`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := explain.ParseRequest(args[0], args[1], headers)
			if err != nil {
				return err
			}
			response, err := explain.ParseResponse(status, responseHeaders)
			if err != nil {
				return err
			}
			set, result, err := load(paths)
			if err != nil {
				return err
			}
			for _, problem := range set.Problems {
				fmt.Fprintln(cmd.ErrOrStderr(), problem)
			}
			found, err := explain.Explain(set, result, gateway, request)
			if err != nil {
				return err
			}
			decide := func(ctx context.Context, question explain.CacheQuestion) (explain.CacheDecision, error) {
				path, err := sibling.Find("ghost-explain", ghost, "ghost-explain")
				if err != nil {
					return explain.CacheDecision{}, err
				}
				return explain.Ghost(path)(ctx, question)
			}
			if err := found.DecideCaching(cmd.Context(), decide, response, time.Now()); err != nil {
				return err
			}
			switch output {
			case "text":
				return found.Write(cmd.OutOrStdout())
			case "json":
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(found)
			}
			return fmt.Errorf("no output form %q; there are text and json", output)
		},
	}
	addFile(cmd, &paths)
	cmd.Flags().StringArrayVarP(&headers, "header", "H", nil, "a header of the request, as 'Name: value' (repeated)")
	cmd.Flags().StringArrayVarP(&responseHeaders, "response-header", "A", nil, "a header of the backend's answer, as 'Name: value' (repeated)")
	cmd.Flags().IntVar(&status, "status", 0, "status of the backend's answer (default 200 where headers of it are given)")
	cmd.Flags().StringVar(&ghost, "ghost-explain", "", "the ghost-explain binary, which decides for the cache (default beside gatewayctl, or on the PATH)")
	cmd.Flags().StringVar(&gateway, "gateway", "", "the Gateway to ask, as NAMESPACE/NAME (default the one that has the URL's port)")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "form of the answer: text or json")
	return cmd
}
