package proxyproto

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	wire "github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestFormatGolden(t *testing.T) {
	tests := map[string]Preamble{
		"ipv4": {
			Client: netip.MustParseAddrPort("192.0.2.7:4660"), Server: netip.MustParseAddrPort("198.51.100.1:443"),
			ALPN: "h2", Authority: "www.example.com", TLS: &TLS{Version: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256"},
		},
		"ipv6": {
			Client: netip.MustParseAddrPort("[2001:db8::7]:4660"), Server: netip.MustParseAddrPort("[2001:db8::1]:8443"),
			TLS: &TLS{Version: "TLSv1.2", Cipher: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		},
		"plain": {
			Client: netip.MustParseAddrPort("192.0.2.7:4660"), Server: netip.MustParseAddrPort("198.51.100.1:80"),
		},
	}
	for name, preamble := range tests {
		t.Run(name, func(t *testing.T) {
			raw, err := preamble.Format()
			require.NoError(t, err)
			golden := filepath.Join("testdata", name+".hex")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(hex.Dump(raw)), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), hex.Dump(raw))
		})
	}
}

func TestFormatKeepsToOneFamily(t *testing.T) {
	tests := map[string]struct{ client, server, wantClient, wantServer string }{
		"both mapped into IPv6 are IPv4":        {"[::ffff:192.0.2.7]:1", "[::ffff:192.0.2.1]:443", "192.0.2.7:1", "192.0.2.1:443"},
		"IPv4 client, IPv6 server":              {"192.0.2.7:1", "[2001:db8::1]:443", "192.0.2.7:1", "0.0.0.0:443"},
		"IPv6 client, IPv4 server":              {"[2001:db8::7]:1", "192.0.2.1:443", "[2001:db8::7]:1", "[::]:443"},
		"a link-local address loses its zone":   {"[fe80::1%eth0]:1", "[fe80::2%eth0]:443", "[fe80::1]:1", "[fe80::2]:443"},
		"a server that is not known has a port": {"192.0.2.7:1", "", "192.0.2.7:1", "0.0.0.0:0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			preamble := Preamble{Client: netip.MustParseAddrPort(test.client)}
			if test.server != "" {
				preamble.Server = netip.MustParseAddrPort(test.server)
			}
			header := parse(t, preamble)
			assert.Equal(t, test.wantClient, header.SourceAddr.String())
			assert.Equal(t, test.wantServer, header.DestinationAddr.String())
		})
	}
}

func TestFormatRefuses(t *testing.T) {
	client := netip.MustParseAddrPort("192.0.2.7:1")
	tests := map[string]struct {
		preamble Preamble
		want     string
	}{
		"a connection from nowhere":          {Preamble{}, "no client address"},
		"more than varnishd takes":           {Preamble{Client: client, Authority: strings.Repeat("a", MaxLength)}, "1024 is the most"},
		"more than the protocol can express": {Preamble{Client: client, Authority: strings.Repeat("a", 1<<16)}, "format PROXY preamble"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := test.preamble.Format()
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestFormatHasRoomForTheLongestName(t *testing.T) {
	preamble := Preamble{
		Client: netip.MustParseAddrPort("[2001:db8::7]:65535"), Server: netip.MustParseAddrPort("[2001:db8::1]:65535"),
		ALPN: "http/1.1", Authority: strings.Repeat("a", 255),
		TLS: &TLS{Version: "TLSv1.2", Cipher: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
	}
	raw, err := preamble.Format()
	require.NoError(t, err)
	assert.Less(t, len(raw), MaxLength/2)
}

// FuzzFormat checks that a reader finds in the bytes what was put there.
func FuzzFormat(f *testing.F) {
	f.Add([]byte{192, 0, 2, 7}, uint16(1), "h2", "www.example.com", "TLSv1.3", "TLS_AES_128_GCM_SHA256")
	f.Add(make([]byte, 16), uint16(65535), "", "", "", "")
	f.Fuzz(func(t *testing.T, address []byte, port uint16, alpn, authority, version, cipher string) {
		client, ok := netip.AddrFromSlice(address)
		if !ok {
			return
		}
		preamble := Preamble{
			Client: netip.AddrPortFrom(client, port), Server: netip.AddrPortFrom(client, 443),
			ALPN: alpn, Authority: authority, TLS: &TLS{Version: version, Cipher: cipher},
		}
		if len(alpn)+len(authority)+len(version)+len(cipher) > 900 {
			return
		}
		header := parse(t, preamble)
		assert.Equal(t, netip.AddrPortFrom(client.Unmap(), port).String(), header.SourceAddr.String())
		tlvs, err := header.TLVs()
		require.NoError(t, err)
		assert.Equal(t, alpn, valueOf(tlvs, wire.PP2_TYPE_ALPN))
		assert.Equal(t, authority, valueOf(tlvs, wire.PP2_TYPE_AUTHORITY))
		ssl := valueOf(tlvs, wire.PP2_TYPE_SSL)
		require.Equal(t, "\x01\x00\x00\x00\x01", ssl[:5], "encrypted, and no client certificate was verified")
		inner, err := wire.SplitTLVs([]byte(ssl[5:]))
		require.NoError(t, err)
		assert.Equal(t, version, valueOf(inner, wire.PP2_SUBTYPE_SSL_VERSION))
		assert.Equal(t, cipher, valueOf(inner, wire.PP2_SUBTYPE_SSL_CIPHER))
	})
}

func parse(t *testing.T, preamble Preamble) *wire.Header {
	t.Helper()
	raw, err := preamble.Format()
	require.NoError(t, err)
	reader := bufio.NewReader(bytes.NewReader(append(raw, "next"...)))
	header, err := wire.Read(reader)
	require.NoError(t, err)
	rest, err := reader.Peek(4)
	require.NoError(t, err)
	require.Equal(t, "next", string(rest), "the preamble ends where it says")
	return header
}

func valueOf(tlvs []wire.TLV, kind wire.PP2Type) string {
	for _, tlv := range tlvs {
		if tlv.Type == kind {
			return string(tlv.Value)
		}
	}
	return ""
}
