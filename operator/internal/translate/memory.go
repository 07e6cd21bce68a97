package translate

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// checkProcess refuses the settings with which varnishd would not start, or not live long: arguments that it must not be
// given, and more memory than the container has.
func checkProcess(settings *v1alpha1.GatewaySettings, found *problems) {
	var further int64
	names := map[string]bool{cacheStorage: true}
	log := v1alpha1.LogSpace
	for _, arg := range checkVarnishd(settings.VarnishdExtraArgs, found) {
		switch {
		case arg.flag == 's':
			further += checkStorage(arg, names, found)
		case arg.flag == 'l':
			log = max(log, checkLog(arg.at, "-l", arg.value, found))
		case arg.flag == 'p' && strings.HasPrefix(arg.value, logParameter):
			log = max(log, checkLog(arg.at, "-p vsl_space", arg.value[len(logParameter):], found))
		}
	}
	checkMemory(settings, further+log-v1alpha1.LogSpace, found)
}

// checkMemory refuses a cache that leaves varnishd too little below the memory limit; further is what the arguments ask
// for beyond the cache, in bytes.
func checkMemory(settings *v1alpha1.GatewaySettings, further int64, found *problems) {
	limit, limited := settings.MemoryLimit()
	size := settings.StorageSize()
	switch {
	case !limited:
	case size+v1alpha1.ReservedMemory > limit:
		found.add(reasonInvalidParameters, "storage.size",
			"%s and the %s that a pod needs besides do not fit into the memory limit of %s",
			mebibytes(size), mebibytes(v1alpha1.ReservedMemory), mebibytes(limit))
	case size+further+v1alpha1.ReservedMemory > limit:
		found.add(reasonInvalidParameters, "varnishdExtraArgs",
			"the %s of its storages and log, the cache of %s and the %s that a pod needs besides do not fit into the memory limit of %s",
			mebibytes(further), mebibytes(size), mebibytes(v1alpha1.ReservedMemory), mebibytes(limit))
	}
}

const (
	// cacheStorage is the storage that the gateway itself gives to varnishd.
	cacheStorage = "default"
	logParameter = "vsl_space="
	// maxSize bounds each size by itself, so that their sum cannot overflow.
	maxSize = math.MaxInt64 >> 16
)

// storageName is what varnishd takes for the name of a storage.
var storageName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// checkStorage holds a further storage ("name=kind,size") to memory that is bounded, and returns its size in bytes. A
// pod has no disk: its root is read-only.
func checkStorage(arg argument, names map[string]bool, found *problems) int64 {
	words := strings.Split(arg.value, ",")
	name, kind, named := strings.Cut(words[0], "=")
	if !named {
		name, kind = "", words[0]
	}
	switch {
	case named && !storageName.MatchString(name):
		refuseArgument(arg.at, found, "-s %s: %q is not the name of a storage", arg.value, name)
	case name == cacheStorage:
		refuseArgument(arg.at, found, "-s %s is not allowed: storage.size says how large the cache is", arg.value)
	case names[name]:
		refuseArgument(arg.at, found, "-s %s: there is a storage %q already", arg.value, name)
	case kind != "malloc" && kind != "default":
		refuseArgument(arg.at, found, "-s %s is not allowed: pods have memory only, which is malloc", arg.value)
	case len(words) != 2:
		refuseArgument(arg.at, found, "-s %s needs a size, as in malloc,64M: without one it has no bound", arg.value)
	default:
		names[name] = named
		return checkSize(arg.at, "-s "+arg.value, words[1], maxSize, found)
	}
	return 0
}

// checkLog bounds varnishd's log by the pod's working directory, which holds compiled VCL too.
func checkLog(at int, arg, size string, found *problems) int64 {
	return checkSize(at, arg, size, v1alpha1.MaxLogSpace, found)
}

// byteSize is a number of bytes as varnishd writes it: "64M", "1.5GB".
var byteSize = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)([kmgtpKMGTP]?)[bB]?$`)

var units = map[string]float64{"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}

// minSize is the least that varnishd takes for a storage, and for its log.
const minSize = 1 << 20

// checkSize reads a size of an argument, in bytes; 0 where it is none, or not within the limits.
func checkSize(at int, arg, text string, most int64, found *problems) int64 {
	parts := byteSize.FindStringSubmatch(text)
	if parts == nil {
		refuseArgument(at, found, "%s: %q is not a size in bytes, such as 64M", arg, text)
		return 0
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	size := number * units[strings.ToLower(parts[2])]
	switch {
	case err != nil || size > float64(most):
		refuseArgument(at, found, "%s: %s is more than the %s that there can be", arg, text, mebibytes(most))
	case size < minSize:
		refuseArgument(at, found, "%s: %s is less than the 1 MiB that varnishd needs", arg, text)
	default:
		return int64(size)
	}
	return 0
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
