package tlsterm

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"

	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// listenerKey identifies a listener from one Update to the next.
type listenerKey struct {
	socket socket.Key
	name   string
}

func keyOf(l routing.Listener) listenerKey {
	return listenerKey{socket: socket.KeyOf(l), name: l.Name}
}

// tickets hold, for each listener, the configuration that encrypts its session tickets. They outlive
// updates, so that clients resume their sessions after a certificate was replaced; and they are apart,
// so that a session of one listener is worth nothing at another, which may ask more of its clients.
type tickets struct {
	configs map[listenerKey]*tls.Config
	// secrets are what the keys of every listener are made of, the newest first. Where there are none, crypto/tls
	// makes keys that no other process has.
	secrets [][]byte
}

// update makes keys for new listeners, and forgets those that are gone.
func (t *tickets) update(listeners []routing.Listener) map[listenerKey]*tls.Config {
	current := make(map[listenerKey]*tls.Config, len(listeners))
	for _, l := range listeners {
		key := keyOf(l)
		if current[key] = t.configs[key]; current[key] == nil {
			current[key] = &tls.Config{MinVersion: tls.VersionTLS12}
			t.setKeys(key, current[key])
		}
	}
	t.configs = current
	return current
}

// set gives every listener keys that are made of the given secrets.
func (t *tickets) set(secrets [][]byte) {
	t.secrets = secrets
	for key, config := range t.configs {
		t.setKeys(key, config)
	}
}

func (t *tickets) setKeys(key listenerKey, config *tls.Config) {
	if len(t.secrets) == 0 {
		return
	}
	keys := make([][32]byte, len(t.secrets))
	for i, secret := range t.secrets {
		copy(keys[i][:], ticketKey(secret, key))
	}
	config.SetSessionTicketKeys(keys)
}

// ticketKey is the key of one listener, which is the same in every pod of a Gateway (RFC 5869).
func ticketKey(secret []byte, key listenerKey) []byte {
	info := "varnish-gateway session tickets " + key.socket.Name() + " " + key.name
	derived, err := hkdf.Key(sha256.New, secret, nil, info, gatewaypod.TicketKeyLength)
	if err != nil {
		panic(err) // of lengths alone, which are constants
	}
	return derived
}

// SetTicketKeys takes the keys of session tickets that the pods of a Gateway share, the newest first: it encrypts, and
// the others decrypt. Without any, what is in effect stays.
func (t *Terminator) SetTicketKeys(secrets [][]byte) {
	if len(secrets) == 0 {
		return
	}
	t.update.Lock()
	defer t.update.Unlock()
	t.tickets.set(secrets)
}
