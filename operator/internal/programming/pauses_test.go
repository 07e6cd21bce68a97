package programming

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
)

func TestPausesBetweenChecks(t *testing.T) {
	p := newPauses()
	away := errors.New("away")
	assert.Equal(t, askAgain.First, p.next(dataplane.NoCheck, away))
	assert.Equal(t, 2*askAgain.First, p.next(dataplane.NoCheck, away))
	assert.Equal(t, 10*time.Minute, p.next(dataplane.TimedOut, nil), "each attempt costs minutes")
	assert.Equal(t, 20*time.Minute, p.next(dataplane.TimedOut, nil))
	assert.Equal(t, askAgain.First, p.next(dataplane.NoCheck, away), "it was heard meanwhile")
	assert.Equal(t, 40*time.Minute, p.next(dataplane.TimedOut, nil))
	assert.Equal(t, 5*time.Second, p.next(dataplane.Refused, nil))
	assert.Equal(t, 10*time.Second, p.next(dataplane.Refused, nil))
	for range 20 {
		p.next(dataplane.TimedOut, nil)
		p.next(dataplane.Refused, nil)
	}
	assert.Equal(t, 2*time.Hour, p.next(dataplane.TimedOut, nil))
	assert.Equal(t, 5*time.Minute, p.next(dataplane.Refused, nil))
}
