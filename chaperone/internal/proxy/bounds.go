package proxy

import (
	"errors"
	"net/netip"
	"sync"
)

// Reasons why a connection is refused although nothing is wrong with it.
var (
	errTooMany          = errors.New("as many client connections are open as there may be")
	errTooManyOfAddress = errors.New("the client has as many connections open as it may have")
)

// bounds hold open connections to a number: all of them, and those of one client.
type bounds struct {
	// total and perAddress are the most that there may be.
	total, perAddress int

	mu        sync.Mutex
	open      int
	byAddress map[netip.Prefix]int
}

// clientBits is how much of an IPv6 address names a client: networks are given out, not addresses (RFC 6177).
const clientBits = 64

// networkOf is what the connections of one client have in common.
func networkOf(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = clientBits
	}
	prefix, _ := address.Prefix(bits)
	return prefix
}

// admit counts a connection, or refuses it.
func (b *bounds) admit() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open >= b.total {
		return errTooMany
	}
	b.open++
	return nil
}

// leave takes back an admit.
func (b *bounds) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
}

// admitAddress counts a connection as its client's, or refuses it.
func (b *bounds) admitAddress(address netip.Addr) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	client := networkOf(address)
	if b.byAddress[client] >= b.perAddress {
		return errTooManyOfAddress
	}
	if b.byAddress == nil {
		b.byAddress = map[netip.Prefix]int{}
	}
	b.byAddress[client]++
	return nil
}

// leaveAddress takes back an admitAddress.
func (b *bounds) leaveAddress(address netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	client := networkOf(address)
	if b.byAddress[client]--; b.byAddress[client] <= 0 {
		delete(b.byAddress, client)
	}
}
