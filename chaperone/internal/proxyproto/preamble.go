// Package proxyproto writes the PROXY protocol v2 preamble with which chaperone hands a connection to
// varnishd, and names what it accepts from a load balancer in front of it.
//
// The specification is the PROXY protocol's, "proxy-protocol.txt", section 2.2.
package proxyproto

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	wire "github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"
)

// MaxLength is the longest preamble, in bytes, that varnishd takes.
const MaxLength = 1024

// notVerified is what the SSL TLV says of a connection whose client showed no certificate that was
// verified (section 2.2.6: zero means verified, anything else does not).
const notVerified = 1

// Preamble says whose connection follows.
type Preamble struct {
	// Client is where the connection comes from.
	Client netip.AddrPort
	// Server is the address that the client connected to, with the listener's port.
	Server netip.AddrPort
	// ALPN is the application protocol that was negotiated; empty for none.
	ALPN string
	// Authority is the host name that the client asked for (SNI); empty for none.
	Authority string
	// TLS is set where the client's connection was encrypted.
	TLS *TLS
}

// TLS describes the client's encryption.
type TLS struct {
	// Version as TLS implementations spell it: "TLSv1.3".
	Version string
	// Cipher is the IANA name of the cipher suite.
	Cipher string
}

// Format gives the preamble's bytes. It fails where they would be longer than MaxLength.
func (p Preamble) Format() ([]byte, error) {
	if !p.Client.IsValid() {
		return nil, errors.New("format PROXY preamble: no client address")
	}
	header := wire.Header{Version: 2, Command: wire.PROXY}
	header.TransportProtocol, header.SourceAddr, header.DestinationAddr = p.addresses()
	tlvs, err := p.tlvs()
	if err != nil {
		return nil, fmt.Errorf("format PROXY preamble: %w", err)
	}
	if err := header.SetTLVs(tlvs); err != nil {
		return nil, fmt.Errorf("format PROXY preamble: %w", err)
	}
	raw, err := header.Format()
	if err != nil {
		return nil, fmt.Errorf("format PROXY preamble: %w", err)
	}
	if len(raw) > MaxLength {
		return nil, fmt.Errorf("format PROXY preamble: %d bytes, %d is the most that varnishd takes", len(raw), MaxLength)
	}
	return raw, nil
}

// addresses gives both ends in one family: a preamble cannot mix them, and a client's address matters
// more than the one it came in at.
func (p Preamble) addresses() (wire.AddressFamilyAndProtocol, net.Addr, net.Addr) {
	client, server := p.Client.Addr().Unmap().WithZone(""), p.Server.Addr().Unmap().WithZone("")
	family := wire.TCPv6
	if client.Is4() {
		family = wire.TCPv4
	}
	if client.Is4() != server.Is4() || !server.IsValid() {
		server = unspecified(client.Is4())
	}
	return family,
		net.TCPAddrFromAddrPort(netip.AddrPortFrom(client, p.Client.Port())),
		net.TCPAddrFromAddrPort(netip.AddrPortFrom(server, p.Server.Port()))
}

func unspecified(is4 bool) netip.Addr {
	if is4 {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

func (p Preamble) tlvs() ([]wire.TLV, error) {
	var tlvs []wire.TLV
	if p.ALPN != "" {
		tlvs = append(tlvs, wire.TLV{Type: wire.PP2_TYPE_ALPN, Value: []byte(p.ALPN)})
	}
	if p.Authority != "" {
		tlvs = append(tlvs, wire.TLV{Type: wire.PP2_TYPE_AUTHORITY, Value: []byte(p.Authority)})
	}
	if p.TLS == nil {
		return tlvs, nil
	}
	ssl, err := tlvparse.PP2SSL{
		Client: tlvparse.PP2_BITFIELD_CLIENT_SSL,
		Verify: notVerified,
		TLV: []wire.TLV{
			{Type: wire.PP2_SUBTYPE_SSL_VERSION, Value: []byte(p.TLS.Version)},
			{Type: wire.PP2_SUBTYPE_SSL_CIPHER, Value: []byte(p.TLS.Cipher)},
		},
	}.Marshal()
	if err != nil {
		return nil, fmt.Errorf("describe TLS: %w", err)
	}
	return append(tlvs, ssl), nil
}
