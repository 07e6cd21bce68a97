// Generate writes the schemas of the contracts, and the field tables of their reference pages. It runs in the directory
// of package schema, by go generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/varnish-gateway/gateway/shared/schema"
)

// pages is where the reference pages are, from package schema.
const pages = "../../docs/reference"

func main() {
	for _, contract := range schema.Contracts() {
		if err := generate(contract); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}

func generate(contract schema.Contract) error {
	data, err := contract.JSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(contract.FileName(), data, 0o644); err != nil {
		return fmt.Errorf("write schema: %w", err)
	}
	page := filepath.Join(pages, contract.Page)
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("read reference page: %w", err)
	}
	filled, err := contract.Fill(string(text))
	if err != nil {
		return err
	}
	if err := os.WriteFile(page, []byte(filled), 0o644); err != nil {
		return fmt.Errorf("write reference page: %w", err)
	}
	return nil
}
