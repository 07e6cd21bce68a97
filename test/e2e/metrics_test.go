package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// goroutines of chaperone, as its metrics have them.
func (g *gateway) goroutines() (float64, error) {
	metrics := regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`).FindString(g.log.String())
	if metrics == "" {
		return 0, errors.New("the log does not say where chaperone's metrics are")
	}
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, metrics, nil)
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
		if value, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("%s has no go_goroutines", metrics)
}
