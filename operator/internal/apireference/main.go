// Command apireference writes docs/reference/api.md from the Go types of the API. Run by go generate in the
// directory of the types.
package main

import (
	"fmt"
	"os"
)

// pageFromTypes is where the page lies, seen from the directory of the types.
const pageFromTypes = "../../../docs/reference/api.md"

func main() {
	if err := run(".", pageFromTypes); err != nil {
		fmt.Fprintln(os.Stderr, "write the API reference:", err)
		os.Exit(1)
	}
}

// run reads the package in the directory types and writes the page.
func run(types, page string) error {
	read, err := readTypes(types)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(write(read)), 0o644)
}
