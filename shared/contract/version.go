// Package contract holds what the contracts between the parts have in common: semantic versions, canonical
// JSON, the refusal of a whole file, and the diagnostic of a single record.
package contract

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is a semantic version of a contract. A minor version adds what older readers may ignore (or what
// records name in their needs); a major version changes what is there.
type Version struct {
	Major, Minor, Patch int
}

// String gives the version as "major.minor.patch".
func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// ParseVersion reads "major.minor.patch", numbers without sign or leading zeros. Pre-releases and build
// metadata (Semantic Versioning 2.0.0, sections 9 and 10) have no place in a contract and are errors.
func ParseVersion(text string) (Version, error) {
	numbers, err := parseNumbers(text, 3)
	if err != nil {
		return Version{}, err
	}
	return Version{Major: numbers[0], Minor: numbers[1], Patch: numbers[2]}, nil
}

// ParseMajorMinor reads "major.minor", the form of contracts that have no patches.
func ParseMajorMinor(text string) (Version, error) {
	numbers, err := parseNumbers(text, 2)
	if err != nil {
		return Version{}, err
	}
	return Version{Major: numbers[0], Minor: numbers[1]}, nil
}

func parseNumbers(text string, count int) ([]int, error) {
	parts := strings.Split(text, ".")
	if len(parts) != count {
		return nil, fmt.Errorf("version %q does not have %d numbers", text, count)
	}
	numbers := make([]int, count)
	for i, part := range parts {
		number, err := strconv.ParseUint(part, 10, 31)
		if err != nil || strconv.FormatUint(number, 10) != part {
			return nil, fmt.Errorf("version %q: %q is not a number", text, part)
		}
		numbers[i] = int(number)
	}
	return numbers, nil
}

// Reads says whether a reader of version v can read what was written as found: it can if the majors agree.
func (v Version) Reads(found Version) bool {
	return v.Major == found.Major
}
