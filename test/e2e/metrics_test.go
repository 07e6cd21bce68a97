package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"
)

// metricsAddress is how chaperone's log says where its metrics are.
var metricsAddress = regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`)

// metric is the value of one of the gateway's metrics, with its labels as they are written. Errors where it is not there.
func (g *gateway) metric(name string) (float64, error) {
	g.t.Helper()
	address := metricsAddress.FindString(g.log.String())
	require.NotEmpty(g.t, address, "the log says where chaperone's metrics are")
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", address, name)
}
