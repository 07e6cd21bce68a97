package docpages

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	root = "../../.."
	docs = root + "/docs"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	code    = regexp.MustCompile("`[^`\n]*`")
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	// slugless are the characters that no anchor has.
	slugless = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

func TestLinksBetweenPagesLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		text := code.ReplaceAllString(fence.ReplaceAllString(content(t, page), ""), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			assert.Empty(t, broken(t, page, match[1]), "%s: %s", page, match[1])
		}
	}
}

func TestTheIndexNamesEveryPage(t *testing.T) {
	index := content(t, docs+"/README.md")
	for _, page := range pages(t) {
		relative, err := filepath.Rel(docs, page)
		require.NoError(t, err)
		if !strings.HasPrefix(relative, "..") && relative != "README.md" {
			assert.True(t, strings.Contains(index, "("+relative+")"), "%s does not stand in docs/README.md", relative)
		}
	}
}

// broken says what is wrong with a link on a page; nothing where it leads somewhere.
func broken(t *testing.T, page, target string) string {
	t.Helper()
	path, anchor, _ := strings.Cut(target, "#")
	file := page
	if path != "" {
		file = filepath.Join(filepath.Dir(page), path)
	}
	if _, err := os.Stat(file); err != nil {
		return "leads nowhere"
	}
	if anchor == "" {
		return ""
	}
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(content(t, file), ""), -1) {
		if slug(match[1]) == anchor {
			return ""
		}
	}
	return "there is no such heading"
}

// slug is the anchor of a heading.
func slug(heading string) string {
	return strings.ReplaceAll(slugless.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// pages are all pages of documentation.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(root + "/*.md")
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(docs, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	}))
	require.NotEmpty(t, found)
	return found
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}
