package routing

import (
	"strings"
)

// NormalizePath gives the form in which paths are compared: escapes of unreserved bytes decoded (RFC 3986,
// section 2.3), those of other bytes in upper case (section 6.2.2.1), then dot segments resolved (section 5.2.4).
// Malformed escapes, ";" and "//" stay as they are, since a backend may tell them apart. It is false for a path that does not begin with "/" or
// that climbs above it.
func NormalizePath(path string) (normalized string, ok bool) {
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	if !strings.Contains(path, "%") && !strings.Contains(path, "/.") {
		return path, true
	}
	return resolveDots(normalizeEscapes(path))
}

func normalizeEscapes(path string) string {
	var normalized strings.Builder
	for i := 0; i < len(path); i++ {
		b, ok := escapeAt(path, i)
		switch {
		case !ok:
			normalized.WriteByte(path[i])
			continue
		case isUnreserved(b):
			normalized.WriteByte(b)
		default:
			normalized.WriteString(strings.ToUpper(path[i : i+3]))
		}
		i += 2
	}
	return normalized.String()
}

func resolveDots(path string) (string, bool) {
	segments := strings.Split(path[1:], "/")
	var kept []string
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case "..":
			if len(kept) == 0 {
				return "", false
			}
			kept = kept[:len(kept)-1]
		case ".":
		default:
			kept = append(kept, segment)
			continue
		}
		// What a final dot segment resolves to is a directory: "/a/b/.." is "/a/".
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/"), true
}

// escapeAt is the byte that the percent-escape at text[i] stands for, if there is one.
func escapeAt(text string, i int) (byte, bool) {
	if i+2 >= len(text) || text[i] != '%' {
		return 0, false
	}
	high, okHigh := unhex(text[i+1])
	low, okLow := unhex(text[i+2])
	return high<<4 | low, okHigh && okLow
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}
