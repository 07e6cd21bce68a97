// Package version says which build of chaperone this is.
package version

import "runtime/debug"

// version is stamped by the linker:
// -ldflags "-X github.com/varnish-gateway/gateway/chaperone/internal/version.version=1.2.3".
var version string

// Version is the stamped version, or what the Go toolchain knows of the source where none was stamped.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
