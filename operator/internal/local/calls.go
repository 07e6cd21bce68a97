package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/shared/adminapi"
)

const (
	// callWithin is how long a gateway may take to answer a call.
	callWithin = 10 * time.Second
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 32 << 20
)

// runningGateway is a gateway that gatewayctl run keeps, as others find it in the state directory.
type runningGateway struct {
	// gateway is its "namespace/name".
	gateway string
	address string
	files   *files
	// err says why it cannot be called.
	err error
}

// allRunning are the gateways that run in a state directory. There is one at least.
func allRunning(stateDir string) ([]runningGateway, error) {
	entries, err := os.ReadDir(stateDir)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	var all []runningGateway
	for _, entry := range entries {
		if !entry.IsDir() || !gatewayName.MatchString(entry.Name()) {
			continue
		}
		f := &files{dir: filepath.Join(stateDir, entry.Name())}
		admin, err := os.ReadFile(f.adminFile())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		address, gateway, _ := strings.Cut(string(admin), " ")
		all = append(all, runningGateway{gateway: gateway, address: address, files: f, err: err})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no gateway runs in the state directory %s", stateDir)
	}
	return all, nil
}

// call makes a call of the gateway's admin API, and returns the body of the answer.
func (r runningGateway) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	token, err := r.files.token()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+r.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return answer, nil
	}
	var refusal adminapi.Refusal
	if err := json.Unmarshal(answer, &refusal); err != nil || refusal.Error == "" {
		return nil, fmt.Errorf("chaperone answers %s", response.Status)
	}
	return nil, errors.New(refusal.Error)
}
