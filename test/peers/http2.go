package peers

import (
	"bytes"
	"fmt"
	"io"
	"net"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// askHTTP2 sends one request on a new connection and reads its answer (RFC 9113 section 3.4 and
// 8.1). It leaves nothing behind but the connection, where a client of a library keeps buffers and
// goroutines for thousands.
func askHTTP2(conn net.Conn) error {
	var head bytes.Buffer
	encoder := hpack.NewEncoder(&head)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", firstHost}, {":path", "/"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return err
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := framer.WriteSettings(); err != nil {
		return err
	}
	if err := framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: true,
	}); err != nil {
		return err
	}
	return readAnswer(framer)
}

// readAnswer takes frames until the stream has ended. Settings are acknowledged.
func readAnswer(framer *http2.Framer) error {
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return err
		}
		ended := false
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				err = framer.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			if status := f.PseudoValue("status"); status != "200" {
				return fmt.Errorf("status %s", status)
			}
			ended = f.StreamEnded()
		case *http2.DataFrame:
			ended = f.StreamEnded()
		case *http2.RSTStreamFrame:
			return fmt.Errorf("the stream was reset: %s", f.ErrCode)
		case *http2.GoAwayFrame:
			return fmt.Errorf("the connection was ended: %s", f.ErrCode)
		}
		if err != nil || ended {
			return err
		}
	}
}
