// Command copy refreshes the CRDs that package crds embeds: the standard channel of the Gateway API, from
// the module version in go.mod, and the project's own. Run by go generate in the package's directory.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const gatewayAPI = "sigs.k8s.io/gateway-api"

func main() {
	if err := run("manifests", "../../config/crd"); err != nil {
		fmt.Fprintln(os.Stderr, "copy CRDs:", err)
		os.Exit(1)
	}
}

// run replaces the content of the directory dest by the CRDs of the Gateway API and those in own.
func run(dest, own string) error {
	module, err := moduleDir(gatewayAPI)
	if err != nil {
		return err
	}
	standard, err := filepath.Glob(filepath.Join(module, "config/crd/standard/gateway.networking.k8s.io_*s.yaml"))
	if err != nil {
		return err
	}
	ours, err := filepath.Glob(filepath.Join(own, "*.yaml"))
	if err != nil {
		return err
	}
	if len(standard) == 0 {
		return errors.New("no CRDs in " + module)
	}
	if err := os.RemoveAll(dest); err != nil {
		return err
	}
	if err := os.Mkdir(dest, 0o755); err != nil {
		return err
	}
	for _, file := range append(standard, ours...) {
		if err := copyCRD(file, dest); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// copyCRD leaves out what is no CustomResourceDefinition, such as the admission policy that ships beside them.
func copyCRD(file, dest string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !strings.Contains(string(data), "\nkind: CustomResourceDefinition\n") {
		return nil
	}
	return os.WriteFile(filepath.Join(dest, filepath.Base(file)), data, 0o644)
}

func moduleDir(path string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		return "", fmt.Errorf("finding module %s: %w", path, err)
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", fmt.Errorf("module %s is not downloaded; run go mod download", path)
	}
	return dir, nil
}
