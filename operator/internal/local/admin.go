package local

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/varnish-gateway/gateway/shared/adminapi"
)

const (
	// statusWait is how long one question for a change stays open.
	statusWait = 30 * time.Second
	// statusRetry is the pause before asking again a chaperone that does not answer, such as one that starts.
	statusRetry = 50 * time.Millisecond
)

// follow calls report with each new status of the chaperone at address, until ctx ends.
func follow(ctx context.Context, address, token string, report func(adminapi.Status)) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var last int64
	for ctx.Err() == nil {
		status, err := fetchStatus(ctx, client, address, token, last)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(statusRetry):
			}
			continue
		}
		if status.Revision != last {
			last = status.Revision
			report(status)
		}
	}
}

func fetchStatus(ctx context.Context, client *http.Client, address, token string, after int64) (adminapi.Status, error) {
	var status adminapi.Status
	url := fmt.Sprintf("http://%s%s?wait=%s&after=%d", address, adminapi.StatusPath, statusWait, after)
	if after == 0 {
		url = fmt.Sprintf("http://%s%s", address, adminapi.StatusPath)
	}
	ctx, cancel := context.WithTimeout(ctx, statusWait+5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return status, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil {
		return status, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return status, fmt.Errorf("asking chaperone for its status: %s", response.Status)
	}
	return status, json.NewDecoder(response.Body).Decode(&status)
}
