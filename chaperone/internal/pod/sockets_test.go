package pod

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

func TestASocketIsToldWhileItIsOpen(t *testing.T) {
	sockets, err := socket.ParseAll([]string{"http-80+proxy", "https-443", "http-81"})
	require.NoError(t, err)
	board := status.NewBoard(adminapi.Status{})
	open := &openSockets{board: board, all: sockets}
	assert.Empty(t, board.Get().Sockets)
	open.setSecure(true)
	assert.Equal(t, []string{"https-443"}, board.Get().Sockets)
	open.setPlain(true)
	assert.Equal(t, []string{"http-80+proxy", "https-443", "http-81"}, board.Get().Sockets)
	open.setPlain(false)
	open.setSecure(false)
	assert.Empty(t, board.Get().Sockets)
}
