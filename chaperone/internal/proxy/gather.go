package proxy

import (
	"net"
	"sync"
)

// Conn is a client's connection before its handshake. Its addresses are those that a load balancer's preamble names.
type Conn struct {
	net.Conn
	// Endpoint that the connection came in at.
	Endpoint Endpoint

	// write is held while something is written.
	write sync.Mutex
	// buffer takes what is written, up to filled; nil where all is written at once.
	buffer *gathered
	filled int
}

// gathered holds the records of one long piece, each with its header and tag (RFC 8446, section 5.2: 256 bytes at most).
type gathered [longPiece + longPiece/record*256]byte

// Write writes at once, or keeps it for flush.
func (c *Conn) Write(data []byte) (int, error) {
	c.write.Lock()
	defer c.write.Unlock()
	if c.buffer != nil && c.filled+len(data) > len(c.buffer) {
		if err := c.writeBuffer(); err != nil {
			return 0, err
		}
	}
	if c.buffer == nil || len(data) > len(c.buffer) {
		return c.Conn.Write(data)
	}
	c.filled += copy(c.buffer[c.filled:], data)
	return len(data), nil
}

// gather keeps what is written until flush, so that it goes out as one: TLS writes each record of a long piece by itself,
// and each would wake the client. It is kept in memory of which there is a bound; where none is left, nothing is kept.
func (c *Conn) gather() {
	c.write.Lock()
	defer c.write.Unlock()
	c.buffer = longWrites.get()
}

// flush writes what was kept.
func (c *Conn) flush() error {
	c.write.Lock()
	defer c.write.Unlock()
	if c.buffer == nil {
		return nil
	}
	err := c.writeBuffer()
	longWrites.put(c.buffer)
	c.buffer = nil
	return err
}

func (c *Conn) writeBuffer() error {
	if c.filled == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.buffer[:c.filled])
	c.filled = 0
	return err
}
