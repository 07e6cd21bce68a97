package admin

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// TLSConfig presents the certificate in the given files, and takes it anew when they change. The files must
// be sound now; where they are not later, the last good certificate stays.
func TLSConfig(certFile, keyFile string, log *zap.Logger) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(c.stamp()); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}, nil
}

// certificate is a pair of files.
type certificate struct {
	certFile, keyFile string
	log               *zap.Logger

	mu     sync.Mutex
	loaded stamp
	pair   *tls.Certificate
}

// stamp tells one state of the files from another.
type stamp [2]struct {
	changed time.Time
	size    int64
}

func (c *certificate) stamp() (s stamp) {
	for i, path := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(path); err == nil {
			s[i].changed, s[i].size = info.ModTime(), info.Size()
		}
	}
	return s
}

// current looks whether the files have changed; it is asked at each handshake, and there are few.
func (c *certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.stamp(); now != c.loaded {
		if err := c.load(now); err != nil {
			c.log.Warn("the admin API presents its last good certificate", zap.Error(err))
		}
	}
	return c.pair
}

func (c *certificate) load(now stamp) error {
	c.loaded = now
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("load the admin API's certificate: %w", err)
	}
	c.pair = &pair
	return nil
}
