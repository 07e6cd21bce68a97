// Package await waits for conditions.
package await

import (
	"context"
	"fmt"
	"time"
)

// interval between two looks at a condition, where nothing else is said.
const interval = 2 * time.Millisecond

// Success calls try until it succeeds, or ctx ends; then the error tells what went wrong last.
func Success(ctx context.Context, what string, try func() error) error {
	return Every(ctx, interval, what, try)
}

// Every is Success that pauses between two looks, where looking is dear.
func Every(ctx context.Context, pause time.Duration, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last: %w", what, ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}
