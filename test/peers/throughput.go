package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/varnish-gateway/gateway/test/peers/loadtool"
	"github.com/varnish-gateway/gateway/test/peers/report"
	"github.com/varnish-gateway/gateway/test/process"
)

// throughput asks as fast as answers come.
type throughput struct {
	tls bool
	// connections at a time. Where there are streams, h2load asks for so many at once on each, over
	// HTTP/2 or, with http1, HTTP/1.1. Otherwise wrk asks.
	connections, streams int
	http1                bool
	// fresh ends each connection after one answer, or after one for each stream.
	fresh bool
	path  string
	// headers that wrk sends, beside Host.
	headers []string
	// hit says that no request is to reach the origin; otherwise each must.
	hit bool
	// script of wrk, with its argument.
	script, argument string
	// hosts that wrk asks in turn, whatever routes a subject has; 0 for the first host alone.
	hosts int
}

func (t throughput) measure(ctx context.Context, b *bench, i instance) (sample, error) {
	asked, err := b.originRequests(ctx)
	if err != nil {
		return nil, err
	}
	before, err := consumptionOf(i)
	if err != nil {
		return nil, err
	}
	result, err := t.load(ctx, b, i)
	if err != nil {
		return nil, err
	}
	after, err := consumptionOf(i)
	if err != nil {
		return nil, err
	}
	reached, err := b.originRequests(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkFailures(result); err != nil {
		return nil, err
	}
	// The second look at the origin is a request itself.
	if err := t.checkOrigin(result.Requests, reached-asked-1); err != nil {
		return nil, err
	}
	return t.sample(result, after.Minus(before)), nil
}

func (t throughput) sample(r loadtool.Result, used process.Consumption) sample {
	requests := float64(r.Requests)
	return sample{
		report.RequestsPerSecond:  r.Rate,
		report.CPUPerRequest:      float64(used.CPU) / float64(time.Microsecond) / requests,
		report.SwitchesPerRequest: float64(used.Switches) / requests,
		report.Failed:             float64(r.Failed),
	}
}

// checkFailures fails where a rate would be that of something else than right answers.
func checkFailures(r loadtool.Result) error {
	const share = 0.01
	if r.Requests == 0 {
		return errors.New("not one request was answered")
	}
	if float64(r.Failed) > share*float64(r.Requests) {
		return fmt.Errorf("%d of %d requests failed", r.Failed, r.Requests)
	}
	return nil
}

// checkOrigin fails where a hit reached the origin or a pass did not. Requests that the load tool
// gave up at its end reach the origin, but are not counted by the tool.
func (t throughput) checkOrigin(answered, reached int64) error {
	share := float64(reached) / float64(answered)
	if t.hit && share > 0.01 {
		return fmt.Errorf("%d of %d hits reached the origin", reached, answered)
	}
	if !t.hit && share < 0.99 {
		return fmt.Errorf("only %d of %d requests reached the origin", reached, answered)
	}
	return nil
}

// load runs wrk or h2load once, or as often as it takes to fill the time.
func (t throughput) load(ctx context.Context, b *bench, i instance) (loadtool.Result, error) {
	if t.streams == 0 {
		output, err := runTool(ctx, b.tools.Wrk, t.wrkArguments(b, i)...)
		if err != nil {
			return loadtool.Result{}, err
		}
		return loadtool.ParseWrk(output)
	}
	var all loadtool.Result
	spent := 0.0
	for began := time.Now(); all.Requests == 0 || t.fresh && time.Since(began) < b.options.duration(); {
		output, err := runTool(ctx, b.tools.H2load, t.h2loadArguments(b, i)...)
		if err != nil {
			return loadtool.Result{}, err
		}
		one, err := loadtool.ParseH2load(output)
		if err != nil {
			return loadtool.Result{}, err
		}
		if one.Requests == 0 {
			return loadtool.Result{}, fmt.Errorf("no request succeeded: %s", output)
		}
		all.Requests += one.Requests
		all.Failed += one.Failed
		spent += float64(one.Requests) / one.Rate
	}
	all.Rate = float64(all.Requests) / spent
	return all, nil
}

func (t throughput) wrkArguments(b *bench, i instance) []string {
	args := []string{"-t1", "-c" + count(t.connections), "-d" + count(b.options.Seconds) + "s", "--timeout", "10s"}
	if t.fresh {
		args = append(args, "-H", "Connection: close")
	}
	script, argument := t.script, t.argument
	if t.hosts > 0 {
		script, argument = "many-hosts.lua", count(t.hosts)
	} else {
		args = append(args, "-H", "Host: "+firstHost)
	}
	for _, header := range t.headers {
		args = append(args, "-H", header)
	}
	url := "http://" + i.site.HTTP.String() + t.path
	if t.tls {
		url = "https://" + i.site.HTTPS.String() + t.path
	}
	if script == "" {
		return append(args, url)
	}
	return append(args, "-s", filepath.Join(b.dir, script), url, "--", argument)
}

func (t throughput) h2loadArguments(b *bench, i instance) []string {
	args := []string{"-t1", "-c" + count(t.connections), "-m" + count(t.streams), "--connect-to=" + i.site.HTTPS.String()}
	if t.http1 {
		args = append(args, "--h1")
	}
	if t.fresh {
		args = append(args, "-n"+count(t.connections*t.streams))
	} else {
		args = append(args, "-D"+count(b.options.Seconds))
	}
	return append(args, "https://"+firstHost+t.path)
}

// toolPatience is how much longer a load tool may take than it was told to.
const toolPatience = 20 * time.Second

func runTool(ctx context.Context, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute+toolPatience)
	defer cancel()
	output, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %q: %w: %s", filepath.Base(program), args, errors.Join(err, ctx.Err()), output)
	}
	return string(output), nil
}

// originRequests is how many requests the origin has had.
func (b *bench) originRequests(ctx context.Context) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.originAddress.String()+"/origin-status", nil)
	if err != nil {
		return 0, err
	}
	response, err := oneShot.Do(request)
	if err != nil {
		return 0, fmt.Errorf("asking the origin how many requests it had: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, fmt.Errorf("asking the origin how many requests it had: %w", err)
	}
	return parseOriginStatus(string(text))
}

var originCounts = regexp.MustCompile(`\n (\d+) (\d+) (\d+) \n`)

// parseOriginStatus reads the third of the counters, requests, of nginx's module stub_status.
func parseOriginStatus(text string) (int64, error) {
	m := originCounts.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("the origin's status cannot be read: %q", text)
	}
	return strconv.ParseInt(m[3], 10, 64)
}
