package schemagen

import (
	"fmt"
	"strings"
)

// Fill puts the tables of a contract between its two marks in a reference page, and leaves all else as it is.
func (c Contract) Fill(page string) (string, error) {
	begin := fmt.Sprintf("<!-- begin fields of %s; generated from the Go types -->\n", c.File)
	end := fmt.Sprintf("<!-- end fields of %s -->\n", c.File)
	before, rest, found := strings.Cut(page, begin)
	if !found {
		return "", fmt.Errorf("%s has no mark %q", c.Page, strings.TrimSpace(begin))
	}
	_, after, found := strings.Cut(rest, end)
	if !found {
		return "", fmt.Errorf("%s has no mark %q", c.Page, strings.TrimSpace(end))
	}
	tables, err := c.Tables()
	if err != nil {
		return "", err
	}
	return before + begin + "\n" + tables + end + after, nil
}
