package http2conn

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// headerLength is that of a frame's header (RFC 9113, section 4.1).
const headerLength = 9

// frame is the header of a frame.
type frame struct {
	kind   http2.FrameType
	flags  http2.Flags
	stream uint32
}

func (f frame) has(flag http2.Flags) bool { return f.flags&flag == flag }

// scanner finds the frames in what one side says, in whatever pieces that comes.
type scanner struct {
	// header of the frame that is being read, of which have bytes are there.
	header [headerLength]byte
	have   int
	// payload is how much of the frame is still to come, once its header is there.
	payload int
	current frame
	// block says that a header block goes on: no other frame may come in between (RFC 9113, section 6.10).
	block bool
}

// atBoundary says whether another frame may be put in here.
func (s *scanner) atBoundary() bool { return s.have == 0 && !s.block }

// next reads data up to the end of a frame's header, then up to the frame's end, and gives how much that was. begun
// says that the header of s.current has just been read, ended that the whole frame has. Both may be true.
func (s *scanner) next(data []byte) (n int, begun, ended bool) {
	if s.have < headerLength {
		n = copy(s.header[s.have:], data)
		if s.have += n; s.have < headerLength {
			return n, false, false
		}
		s.payload = int(binary.BigEndian.Uint32(s.header[:4]) >> 8)
		s.current = frame{
			kind: http2.FrameType(s.header[3]), flags: http2.Flags(s.header[4]),
			stream: binary.BigEndian.Uint32(s.header[5:]) &^ (1 << 31),
		}
		begun = true
	} else {
		n = min(s.payload, len(data))
		s.payload -= n
	}
	if s.payload > 0 {
		return n, begun, false
	}
	s.have = 0
	switch s.current.kind {
	case http2.FrameHeaders, http2.FramePushPromise, http2.FrameContinuation:
		s.block = !s.current.has(http2.FlagHeadersEndHeaders)
	}
	return n, begun, true
}
