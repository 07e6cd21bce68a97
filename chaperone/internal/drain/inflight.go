package drain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
)

// InFlight counts the requests that varnishd's child works on, and takes so long at most. varnishd takes a request
// structure from a pool when a request's first byte comes, and gives it back when the answer is sent; a connection that
// waits for its next request holds none. An HTTP/2 connection holds one for itself as long as it is open.
func InFlight(ctx context.Context, read varnishstat.Reader, within time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	counters, err := read(ctx, "MEMPOOL.req*.live")
	if err != nil {
		return 0, fmt.Errorf("counting requests in flight: %w", err)
	}
	return sumInUse(counters)
}

func sumInUse(counters map[string]varnishstat.Counter) (int, error) {
	sum, pools := 0, 0
	for name, counter := range counters {
		if !strings.HasPrefix(name, "MEMPOOL.req") || !strings.HasSuffix(name, ".live") {
			continue
		}
		live, err := counter.Value.Int64()
		if err != nil {
			return 0, fmt.Errorf("counting requests in flight: counter %s: %w", name, err)
		}
		sum += int(live)
		pools++
	}
	if pools == 0 {
		return 0, errors.New("counting requests in flight: varnishstat shows no pool of requests")
	}
	return sum, nil
}
