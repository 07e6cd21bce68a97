// Generate writes the schemas of the contracts, and the field tables of their reference pages. It runs in the directory
// of package schemagen, by go generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/varnish-gateway/gateway/shared/internal/schemagen"
)

func main() {
	for _, contract := range schemagen.Contracts() {
		if err := generate(contract); err != nil {
			fmt.Fprintln(os.Stderr, "generate:", err)
			os.Exit(1)
		}
	}
}

func generate(contract schemagen.Contract) error {
	data, err := contract.JSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(schemagen.Dir, contract.FileName()), data, 0o644); err != nil {
		return fmt.Errorf("write schema: %w", err)
	}
	page := filepath.Join(schemagen.PagesDir, contract.Page)
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
