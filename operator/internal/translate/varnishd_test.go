package translate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

func TestArgumentsOfVarnishd(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		// refused is what the message names; empty where the arguments are taken.
		refused string
	}{
		"none":                               {nil, ""},
		"a parameter":                        {[]string{"-p", "thread_pool_max=500"}, ""},
		"a parameter in one word":            {[]string{"-pdefault_ttl=5"}, ""},
		"a flag of its own":                  {[]string{"-t", "10"}, ""},
		"a listener":                         {[]string{"-a", ":8080"}, "-a is not allowed"},
		"a listener in one word":             {[]string{"-a:8080"}, "-a is not allowed"},
		"a VCL":                              {[]string{"-f", "x.vcl"}, "-f is not allowed"},
		"a backend":                          {[]string{"-b", "x"}, "-b is not allowed"},
		"a working directory":                {[]string{"-n", "/x"}, "-n is not allowed"},
		"a CLI":                              {[]string{"-T", ":6082"}, "-T is not allowed"},
		"a secret":                           {[]string{"-S", "x"}, "-S is not allowed"},
		"a second argument":                  {[]string{"-p", "default_ttl=5", "-M", "x"}, "varnishdExtraArgs[2]"},
		"a value that looks like a flag":     {[]string{"-i", "-a"}, ""},
		"another compiler":                   {[]string{"-p", "cc_command=sh"}, "-p cc_command is not allowed"},
		"inline C":                           {[]string{"-p", "vcc_feature=+allow_inline_c"}, "-p vcc_feature is not allowed"},
		"other VMODs":                        {[]string{"-p", "vmod_path=/x"}, "-p vmod_path is not allowed"},
		"a feature":                          {[]string{"-p", "feature=+validate_headers"}, ""},
		"no HTTP/2":                          {[]string{"-p", "feature=+x,-http2"}, "-p feature=+x,-http2 is not allowed"},
		"no feature at all":                  {[]string{"-p", "feature=none"}, "is not allowed"},
		"a parameter without a value":        {[]string{"-p", "default_ttl"}, "gives no value"},
		"a flag without its value":           {[]string{"-p"}, "-p needs a value"},
		"a flag that varnishd does not have": {[]string{"-Z"}, "no argument -Z"},
		"a word that is no flag":             {[]string{"malloc,1G"}, `"malloc,1G" is no argument`},
		"an empty word":                      {[]string{""}, "is no argument"},
	} {
		t.Run(name, func(t *testing.T) {
			var found problems
			checkVarnishd(c.args, &found)
			if c.refused == "" {
				assert.Empty(t, found)
				return
			}
			if assert.NotEmpty(t, found) {
				assert.Contains(t, found.message(), c.refused)
				assert.Equal(t, reasonInvalidParameters, found.reason())
			}
		})
	}
}

func TestStoragesAndLog(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		// refused is what the message names; empty where the arguments are taken.
		refused string
	}{
		"a further storage":              {[]string{"-s", "big=malloc,256M"}, ""},
		"one in lower case, with bytes":  {[]string{"-s", "big=malloc,1.5mb"}, ""},
		"one without a name":             {[]string{"-smalloc,1M"}, ""},
		"two without names":              {[]string{"-s", "malloc,1M", "-s", "default,1M"}, ""},
		"Transient":                      {[]string{"-s", "Transient=malloc,64M"}, ""},
		"the gateway's own":              {[]string{"-s", "default=malloc,1G"}, "storage.size says"},
		"two of one name":                {[]string{"-s", "a=malloc,1M", "-s", "a=malloc,1M"}, "varnishdExtraArgs[2]: -s a=malloc,1M: there is"},
		"a name that is none":            {[]string{"-s", "0a=malloc,1M"}, "is not the name"},
		"a file":                         {[]string{"-s", "a=file,/x,1G"}, "memory only"},
		"one without a size":             {[]string{"-s", "a=malloc"}, "needs a size"},
		"one with two sizes":             {[]string{"-s", "a=malloc,1M,2M"}, "needs a size"},
		"a share of nothing":             {[]string{"-s", "a=malloc,50%"}, "is not a size"},
		"a size that is too small":       {[]string{"-s", "a=malloc,64"}, "less than the 1 MiB"},
		"a size beyond numbers":          {[]string{"-s", "a=malloc,99999999999999999999P"}, "is more than"},
		"more than the memory limit":     {[]string{"-s", "a=malloc,8G"}, "the 8192 MiB of its storages"},
		"more in sum":                    {[]string{"-s", "a=malloc,400M", "-s", "b=malloc,400M"}, "the 800 MiB of its storages"},
		"a larger log":                   {[]string{"-p", "vsl_space=80M"}, ""},
		"a smaller log":                  {[]string{"-l", "4M"}, ""},
		"a log beyond the volume":        {[]string{"-p", "vsl_space=512M"}, "-p vsl_space: 512M is more than the 128 MiB"},
		"a log beyond it, in short":      {[]string{"-l", "512M"}, "-l: 512M is more than the 128 MiB"},
		"a log whose size is no size":    {[]string{"-l", "much"}, "is not a size"},
		"a log and a storage are summed": {[]string{"-s", "a=malloc,700M", "-l", "120M"}, "the 800 MiB of its storages and log"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := v1alpha1.GatewaySettings{VarnishdExtraArgs: c.args, Resources: &corev1.ResourceRequirements{
				Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
			}}
			var found problems
			checkProcess(&settings, &found)
			if c.refused == "" {
				assert.Empty(t, found)
				return
			}
			if assert.NotEmpty(t, found) {
				assert.Contains(t, found.message(), c.refused)
				assert.Equal(t, reasonInvalidParameters, found.reason())
			}
		})
	}
}

func TestStorageFitsBelowTheMemoryLimit(t *testing.T) {
	for name, c := range map[string]struct {
		limit, size string
		fits        bool
	}{
		"no limit":                               {"", "10Gi", true},
		"room for both":                          {"1Gi", "512Mi", true},
		"just enough":                            {"256Mi", "128Mi", true},
		"a byte too much":                        {"256Mi", "134217729", false},
		"more than the limit":                    {"256Mi", "1Gi", false},
		"the default":                            {"192Mi", "", true},
		"a limit that is below what a pod needs": {"64Mi", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			var settings v1alpha1.GatewaySettings
			if c.limit != "" {
				settings.Resources = &corev1.ResourceRequirements{
					Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(c.limit)},
				}
			}
			if c.size != "" {
				settings.Storage = &v1alpha1.Storage{Size: resource.MustParse(c.size)}
			}
			var found problems
			checkProcess(&settings, &found)
			assert.Equal(t, c.fits, len(found) == 0, "%v", found)
		})
	}
}
