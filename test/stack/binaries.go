// Package stack runs the whole gateway on this machine: gatewayctl, and below it chaperone, varnishd and ghost.
package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Binaries are the programs that are run.
type Binaries struct {
	Gatewayctl, Chaperone, Varnishd string
	// VMODs is the path that varnishd looks for VMODs in.
	VMODs string
}

// FindBinaries looks where the environment says (GATEWAY_BIN_DIR, GHOST_VMOD_DIR, VARNISH_BIN_DIR and
// VARNISH_VMOD_DIR), and otherwise in the build directory and where test/varnish/fetch puts Varnish.
func FindBinaries(build string) (Binaries, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return Binaries{}, err
	}
	varnish := filepath.Join(home, ".cache", "varnish-7.7")
	bin := directory("GATEWAY_BIN_DIR", filepath.Join(build, "bin"))
	ghost := directory("GHOST_VMOD_DIR", filepath.Join(build, "vmods"))
	vmods := ghost
	if others := directory("VARNISH_VMOD_DIR", glob(filepath.Join(varnish, "root/usr/lib/*/varnish/vmods"))); others != "" {
		vmods += ":" + others
	}
	b := Binaries{
		Gatewayctl: filepath.Join(bin, "gatewayctl"),
		Chaperone:  filepath.Join(bin, "chaperone"),
		Varnishd:   filepath.Join(directory("VARNISH_BIN_DIR", filepath.Join(varnish, "bin")), "varnishd"),
		VMODs:      vmods,
	}
	return b, errors.Join(
		present(b.Gatewayctl, "make build"), present(b.Chaperone, "make build"),
		present(filepath.Join(ghost, "libvmod_ghost.so"), "make build"), present(b.Varnishd, "test/varnish/fetch"),
	)
}

// directory is absolute, since the programs run elsewhere.
func directory(variable, otherwise string) string {
	path := otherwise
	if given := os.Getenv(variable); given != "" {
		path = given
	}
	if path == "" {
		return ""
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

func glob(pattern string) string {
	if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
		return found[0]
	}
	return ""
}

func present(path, remedy string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%w (run: %s)", err, remedy)
	}
	return nil
}
