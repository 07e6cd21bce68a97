package backoff

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAWaitDoublesUpToTheLast(t *testing.T) {
	b := Backoff{First: time.Second, Last: 5 * time.Second}
	var waits []time.Duration
	for range 5 {
		waits = append(waits, b.Next())
	}
	assert.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}, waits)
	b.Reset()
	assert.Equal(t, time.Second, b.Next())
	c := b
	assert.Equal(t, c.Next(), b.Next(), "a copy goes on by itself")
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		Sleep(t.Context(), time.Minute)
		assert.Equal(t, time.Minute, time.Since(started))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		Sleep(ctx, time.Hour)
		assert.Equal(t, time.Minute+time.Second, time.Since(started))
	})
}
