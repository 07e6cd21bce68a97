package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// takenArguments of varnishd are chaperone's to set, or would keep varnishd from running as it must.
var takenArguments = map[byte]string{
	'a': "the listeners of the Gateway say where to listen",
	'b': "routes say what the backends are",
	'C': "it keeps varnishd from serving",
	'd': "it keeps varnishd from serving",
	'D': "varnishd runs in the foreground",
	'f': "the VCL is generated; VCL of your own is given by reference",
	'F': "it is set already",
	'I': "the CLI is the gateway's own",
	'j': "pods have no privileges to drop",
	'M': "the CLI is the gateway's own",
	'n': "the working directory is the gateway's own",
	'P': "no PID file is needed",
	'r': "the gateway's own parameters must stay as they are",
	'S': "the CLI is the gateway's own",
	'T': "the CLI is the gateway's own",
	'V': "it keeps varnishd from serving",
	'x': "it keeps varnishd from serving",
	'?': "it keeps varnishd from serving",
}

// withValue are the arguments of varnishd that are followed by a value.
const withValue = "abeEfhiIjlMnpPrsStT"

// takenParameters of varnishd are set by the gateway, or would run programs of the owner's choice.
var takenParameters = map[string]string{
	"cc_command":         "it would run other programs than the compiler",
	"cc_warnings":        "it is part of the compiler's command",
	"experimental":       "experimental features are not supported",
	"vcc_feature":        "it would allow inline C",
	"vcc_allow_inline_c": "it would allow inline C",
	"vcl_path":           "it is set by the gateway",
	"vmod_path":          "it is set by the gateway",
}

// checkVarnishd refuses by name the arguments that would break the gateway.
func checkVarnishd(args []string, found *problems) {
	for i := 0; i < len(args); i++ {
		at := i
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' {
			refuseArgument(at, found, "%q is no argument of varnishd: each begins with a dash, its value is the next one", arg)
			continue
		}
		flag, value := arg[1], arg[2:]
		if value == "" && strings.IndexByte(withValue, flag) >= 0 {
			if i++; i == len(args) {
				refuseArgument(at, found, "%s needs a value", arg)
				return
			}
			value = args[i]
		}
		if why, taken := takenArguments[flag]; taken {
			refuseArgument(at, found, "-%c is not allowed: %s", flag, why)
		} else if strings.IndexByte(withValue, flag) < 0 {
			refuseArgument(at, found, "varnishd has no argument -%c that could be given here", flag)
		} else if flag == 'p' {
			checkVarnishdParameter(at, value, found)
		}
	}
}

func checkVarnishdParameter(at int, assignment string, found *problems) {
	name, value, assigned := strings.Cut(assignment, "=")
	if !assigned {
		refuseArgument(at, found, "-p %s gives no value: it is -p NAME=VALUE", assignment)
		return
	}
	if why, taken := takenParameters[name]; taken {
		refuseArgument(at, found, "-p %s is not allowed: %s", name, why)
		return
	}
	words := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	if name == "feature" && (slices.Contains(words, "-http2") || slices.Contains(words, "none") || slices.Contains(words, "default")) {
		refuseArgument(at, found, "-p feature=%s is not allowed: listeners speak HTTP/2", value)
	}
}

func refuseArgument(at int, found *problems, format string, args ...any) {
	found.add(reasonInvalidParameters, index("varnishdExtraArgs", at), format, args...)
}

// checkStorage refuses a cache that leaves varnishd too little below the memory limit.
func checkStorage(settings *v1alpha1.GatewaySettings, found *problems) {
	limit, limited := settings.MemoryLimit()
	if size := settings.StorageSize(); limited && size+v1alpha1.ReservedMemory > limit {
		found.add(reasonInvalidParameters, "storage.size",
			"%s and the %s that a pod needs besides do not fit into the memory limit of %s",
			mebibytes(size), mebibytes(v1alpha1.ReservedMemory), mebibytes(limit))
	}
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
