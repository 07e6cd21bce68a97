package translate

import (
	"slices"
	"strings"
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

// argument of varnishd: a flag with its value.
type argument struct {
	// at is where the flag stands in varnishdExtraArgs.
	at    int
	flag  byte
	value string
}

// checkVarnishd refuses by name the arguments that would break the gateway, and returns the others.
func checkVarnishd(args []string, found *problems) []argument {
	var sound []argument
	for i := 0; i < len(args); i++ {
		at, arg := i, args[i]
		if len(arg) < 2 || arg[0] != '-' {
			refuseArgument(at, found, "%q is no argument of varnishd: each begins with a dash, its value is the next one", arg)
			continue
		}
		flag, value := arg[1], arg[2:]
		if value == "" && strings.IndexByte(withValue, flag) >= 0 {
			if i++; i == len(args) {
				refuseArgument(at, found, "%s needs a value", arg)
				return sound
			}
			value = args[i]
		}
		if why, taken := takenArguments[flag]; taken {
			refuseArgument(at, found, "-%c is not allowed: %s", flag, why)
		} else if strings.IndexByte(withValue, flag) < 0 {
			refuseArgument(at, found, "varnishd has no argument -%c that could be given here", flag)
		} else if flag != 'p' || checkVarnishdParameter(at, value, found) {
			sound = append(sound, argument{at: at, flag: flag, value: value})
		}
	}
	return sound
}

// checkVarnishdParameter tells whether a parameter may be set.
func checkVarnishdParameter(at int, assignment string, found *problems) bool {
	name, value, assigned := strings.Cut(assignment, "=")
	if !assigned {
		refuseArgument(at, found, "-p %s gives no value: it is -p NAME=VALUE", assignment)
		return false
	}
	if why, taken := takenParameters[name]; taken {
		refuseArgument(at, found, "-p %s is not allowed: %s", name, why)
		return false
	}
	words := strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	if name == "feature" && (slices.Contains(words, "-http2") || slices.Contains(words, "none") || slices.Contains(words, "default")) {
		refuseArgument(at, found, "-p feature=%s is not allowed: listeners speak HTTP/2", value)
		return false
	}
	return true
}

func refuseArgument(at int, found *problems, format string, args ...any) {
	found.add(reasonInvalidParameters, index("varnishdExtraArgs", at), format, args...)
}
