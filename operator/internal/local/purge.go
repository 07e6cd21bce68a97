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
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// purgeWithin is how long a gateway may take to carry out an order.
const purgeWithin = 10 * time.Second

// Purged is what became of an order at one gateway.
type Purged struct {
	// Gateway is its "namespace/name".
	Gateway string
	// Err says why it was not carried out.
	Err error
}

// Purge has every gateway that runs in a state directory carry out an order to invalidate objects.
func Purge(ctx context.Context, stateDir string, order ghostconf.Invalidation) ([]Purged, error) {
	body, err := ghostconf.EncodeInvalidations(ghostconf.Invalidations{Invalidations: []ghostconf.Invalidation{order}})
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(stateDir)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	var purged []Purged
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
		if err == nil {
			err = f.purge(ctx, address, body)
		}
		purged = append(purged, Purged{Gateway: gateway, Err: err})
	}
	if len(purged) == 0 {
		return nil, fmt.Errorf("no gateway runs in the state directory %s", stateDir)
	}
	return purged, nil
}

func (f *files) purge(ctx context.Context, address string, order []byte) error {
	token, err := f.token()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, purgeWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+adminapi.InvalidatePath, bytes.NewReader(order))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var refusal adminapi.Refusal
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&refusal); err != nil || refusal.Error == "" {
		return fmt.Errorf("chaperone answers %s", response.Status)
	}
	return errors.New(refusal.Error)
}
