package routing

import "strings"

const (
	maxHostname = 253
	maxLabel    = 63
	wildcard    = "*."
)

// ValidHostname says whether name is an exact hostname in lower case: labels of letters, digits, "-" and "_",
// joined with dots.
func ValidHostname(name string) bool {
	if len(name) > maxHostname {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

// ValidHostnamePattern says whether pattern is an exact hostname or a wildcard ("*.a.example").
func ValidHostnamePattern(pattern string) bool {
	return len(pattern) <= maxHostname && ValidHostname(strings.TrimPrefix(pattern, wildcard))
}

func notInLabel(c rune) bool {
	return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_')
}

// HostnameMatches says whether a host (in lower case, without port) fits a pattern. A wildcard stands for one
// label or more: "*.a.example" fits "b.a.example" and "c.b.a.example", but not "a.example".
func HostnameMatches(pattern, host string) bool {
	suffix, isWildcard := strings.CutPrefix(pattern, "*")
	if !isWildcard {
		return pattern == host
	}
	return len(host) > len(suffix) && strings.HasSuffix(host, suffix)
}

// Host takes the host out of the value of a Host header: in lower case, without port and without a trailing
// dot. It is false where the value is empty or no host (RFC 9110, section 7.2; what reg-name would allow beyond
// hostnames is refused).
func Host(value string) (host string, ok bool) {
	name, port := splitPort(value)
	if strings.Trim(port, "0123456789") != "" {
		return "", false
	}
	if strings.HasPrefix(name, "[") {
		return strings.ToLower(name), validIPLiteral(name)
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name, name != "" && !strings.ContainsFunc(name, notInHost)
}

func splitPort(value string) (name, port string) {
	end := strings.LastIndexByte(value, ']') + 1
	colon := strings.IndexByte(value[end:], ':')
	if colon < 0 {
		return value, ""
	}
	return value[:end+colon], value[end+colon+1:]
}

func notInHost(c rune) bool { return c != '.' && notInLabel(c) }

func validIPLiteral(name string) bool {
	address, closed := strings.CutSuffix(name[1:], "]")
	return closed && strings.Contains(address, ":") && strings.Trim(address, "0123456789abcdefABCDEF:.") == ""
}
