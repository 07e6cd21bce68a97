// Package await waits for conditions.
package await

import (
	"context"
	"fmt"
	"time"
)

// interval between two looks at a condition.
const interval = 2 * time.Millisecond

// Success calls try until it succeeds, or ctx ends; then the error tells what went wrong last.
func Success(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last: %w", what, ctx.Err(), err)
		case <-time.After(interval):
		}
	}
}
