package proxyproto

import (
	"fmt"
	"net"
	"time"

	wire "github.com/pires/go-proxyproto"
)

// Conn is a connection from a load balancer; its RemoteAddr and LocalAddr are those that the preamble
// named.
type Conn = wire.Conn

// Require wraps a connection that must begin with a PROXY preamble, version 1 or 2, within timeout.
// Without one, the first Read fails. A LOCAL preamble (the load balancer's own health check) leaves the
// connection's addresses as they are.
func Require(conn net.Conn, timeout time.Duration) *Conn {
	return wire.NewConn(conn,
		wire.WithPolicy(wire.REQUIRE),
		wire.SetReadHeaderTimeout(timeout),
		wire.ValidateHeader(stream))
}

// stream refuses what cannot be the address of an HTTP client.
func stream(header *wire.Header) error {
	if header.Command.IsLocal() {
		return nil
	}
	switch header.TransportProtocol {
	case wire.TCPv4, wire.TCPv6:
		return nil
	}
	return fmt.Errorf("PROXY preamble names a transport that is not TCP: %#x", byte(header.TransportProtocol))
}

// Peek reads the preamble, or says what is wrong with it. What follows it stays to be read.
func Peek(conn *Conn) error {
	_, err := conn.Read(nil)
	return err
}
