package routing

import "strings"

// QueryValue is the value of the first parameter of a name in a query (without its "?"), and whether there is
// one. Names and values are percent-decoded; "+" stays, since it means a space only in forms.
func QueryValue(query, name string) (value string, ok bool) {
	for part := range strings.SplitSeq(query, "&") {
		rawName, rawValue, _ := strings.Cut(part, "=")
		if part != "" && percentDecode(rawName) == name {
			return percentDecode(rawValue), true
		}
	}
	return "", false
}

// percentDecode decodes every well-formed escape and leaves the others.
func percentDecode(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var decoded strings.Builder
	for i := 0; i < len(text); i++ {
		if b, ok := escapeAt(text, i); ok {
			decoded.WriteByte(b)
			i += 2
			continue
		}
		decoded.WriteByte(text[i])
	}
	return decoded.String()
}
