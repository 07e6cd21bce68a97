package mainvcl

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Positions as Varnish's compiler writes them, at the end of a line: one, or the first and the last of a range. Where
// both ends of a range are in one line, the second says no more than its column. Words such as "At:" may go before.
var (
	place     = `\('` + regexp.QuoteMeta(File) + `' Line ([0-9]{1,9}) Pos [0-9]+\)`
	positions = regexp.MustCompile(`(?:^|[: ])` + place + `(?: -- (?:` + place + `|\(Pos [0-9]+\)))?$`)
	position  = regexp.MustCompile(place)
)

// Locate rewrites a compiler's message on main.vcl: positions in a user's VCL get the name of their source, and lines
// that are counted from its beginning. Positions in what is generated stay as they are, and so does the code that the
// compiler quotes.
func Locate(message string, parts []Part) string {
	lines := strings.Split(message, "\n")
	for i := 0; i < len(lines); i++ {
		found := positions.FindStringSubmatchIndex(lines[i])
		if found == nil {
			continue
		}
		words, where := lines[i][:found[0]], lines[i][found[0]:]
		lines[i] = words + position.ReplaceAllStringFunc(where, func(at string) string { return locate(at, parts) })
		// Below a position stand the line that it names and a line that marks the place in it; of a range that ends
		// in the next line, two of each.
		i += 2
		if second := found[4]; second >= 0 {
			i += 2
		}
	}
	return strings.Join(lines, "\n")
}

// locate rewrites one position.
func locate(at string, parts []Part) string {
	line, err := strconv.Atoi(position.FindStringSubmatch(at)[1])
	if err != nil {
		return at
	}
	for _, part := range parts {
		if part.has(line) {
			before := fmt.Sprintf("('%s' Line %d ", File, line)
			return strings.Replace(at, before, fmt.Sprintf("('%s' Line %d ", part.Source, line-part.First+1), 1)
		}
	}
	return at
}
