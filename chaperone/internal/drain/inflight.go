package drain

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// Varnishstat counts the requests that varnishd's child works on.
type Varnishstat struct {
	// Program is varnishstat, WorkDir varnishd's working directory.
	Program, WorkDir string
	// Within is how long one count may take.
	Within time.Duration
}

// InFlight counts requests that are not finished. varnishd takes a request structure from a pool when a
// request's first byte comes, and gives it back when the answer is sent; a connection that waits for its
// next request holds none. An HTTP/2 connection holds one for itself as long as it is open.
func (v Varnishstat) InFlight(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, v.Within)
	defer cancel()
	// -t 0: do not wait for a varnishd that is not there.
	cmd := exec.CommandContext(ctx, v.Program, "-n", v.WorkDir, "-t", "0", "-1", "-j", "-f", "MEMPOOL.req*.live")
	cmd.WaitDelay = time.Second
	output, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("counting requests in flight: %w", err)
	}
	return sumInUse(output)
}

func sumInUse(output []byte) (int, error) {
	var stat struct {
		Counters map[string]struct {
			Value int `json:"value"`
		} `json:"counters"`
	}
	if err := json.Unmarshal(output, &stat); err != nil {
		return 0, fmt.Errorf("reading varnishstat: %w", err)
	}
	sum, pools := 0, 0
	for name, counter := range stat.Counters {
		if strings.HasPrefix(name, "MEMPOOL.req") && strings.HasSuffix(name, ".live") {
			sum += counter.Value
			pools++
		}
	}
	if pools == 0 {
		return 0, fmt.Errorf("reading varnishstat: it shows no pool of requests")
	}
	return sum, nil
}
