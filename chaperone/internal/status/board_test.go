package status

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/shared/adminapi"
)

func TestTheRevisionGrowsWithEveryChangeAndNeverOtherwise(t *testing.T) {
	b := NewBoard(adminapi.Status{})
	assert.EqualValues(t, 1, b.Get().Revision)
	b.Update(func(s *adminapi.Status) { s.Ready = true })
	assert.EqualValues(t, 2, b.Get().Revision)
	b.Update(func(s *adminapi.Status) { s.Ready = true })
	assert.EqualValues(t, 2, b.Get().Revision)
	b.Update(func(s *adminapi.Status) { s.Certificates.Problems = nil })
	assert.EqualValues(t, 2, b.Get().Revision, "no list and an empty one are the same")
	b.Update(func(s *adminapi.Status) { s.Revision = 99 })
	assert.EqualValues(t, 2, b.Get().Revision, "nobody sets the revision")
}

func TestWhatAReaderDoesWithItsCopyChangesNothing(t *testing.T) {
	b := NewBoard(adminapi.Status{Sockets: []string{"http-80"}})
	b.Get().Sockets[0] = "other"
	assert.Equal(t, []string{"http-80"}, b.Get().Sockets)
}

func TestWait(t *testing.T) {
	b := NewBoard(adminapi.Status{})
	assert.EqualValues(t, 1, b.Wait(t.Context(), 0).Revision, "what is newer already comes at once")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.EqualValues(t, 1, b.Wait(ctx, 1).Revision, "the current one comes when the wait is over")

	seen := make(chan adminapi.Status, 1)
	go func() { seen <- b.Wait(t.Context(), 2) }()
	b.Update(func(s *adminapi.Status) { s.Ready = true })
	b.Update(func(s *adminapi.Status) { s.Ready = false })
	assert.EqualValues(t, 3, (<-seen).Revision, "a revision that is not newer than asked for does not end the wait")
}
