package pod

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/varnish-gateway/gateway/chaperone/internal/options"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
)

func TestTLSConnectionsAreAsManyAsFilesAndMemoryAllow(t *testing.T) {
	https, err := socket.Parse("https-443")
	assert.NoError(t, err)
	http, err := socket.Parse("http-80")
	assert.NoError(t, err)
	for name, c := range map[string]struct {
		socket   socket.Socket
		files    uint64
		bytes    int64
		want     int
		warnings int
	}{
		"as many as wanted":             {https, 1 << 20, math.MaxInt64, 8192, 0},
		"few files":                     {https, 1256, math.MaxInt64, 500, 1},
		"little memory":                 {https, 1 << 20, 64 << 20, 1024, 1},
		"few files, and less memory":    {https, 8256, 64 << 20, 1024, 2},
		"little memory, and less files": {https, 1256, 64 << 20, 500, 1},
		"no socket of TLS":              {http, 1, 0, 8192, 0},
	} {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.WarnLevel)
			p := &Pod{log: zap.New(core)}
			p.options = options.Options{Limits: options.Limits{MaxTLSConnections: 8192}, Sockets: []socket.Socket{c.socket}}
			assert.Equal(t, c.want, p.tlsConnections(c.files, c.bytes))
			assert.Equal(t, c.warnings, logs.Len())
		})
	}
}
