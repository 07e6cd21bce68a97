package e2e

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// find gives the files below a directory that are named as wanted.
func find(t *testing.T, root string, wanted func(name string) bool) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && wanted(filepath.Base(path)) {
			found = append(found, path)
		}
		return nil
	}))
	return found
}

// readingVCL says for each file whether it can be read.
func readingVCL(files ...string) string {
	var vcl strings.Builder
	vcl.WriteString("import std;\n    sub vcl_deliver {\n      set resp.http.X-VCL = \"\";\n")
	for _, file := range files {
		fmt.Fprintf(&vcl, "      if (std.fileread(\"%s\") ~ \".\") { set resp.http.X-VCL = resp.http.X-VCL + \"r\"; }\n", file)
		vcl.WriteString("      else { set resp.http.X-VCL = resp.http.X-VCL + \"-\"; }\n")
	}
	return userVCL(vcl.String() + "    }")
}

func TestUserVCLReadsNeitherKeysNorTokens(t *testing.T) {
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["class.yaml"] = classWithVCL
	files["vcl.yaml"] = readingVCL("/etc/passwd")
	g := startGateway(t, files)
	g.awaitVCLHeader("r")

	keys := find(t, g.state, func(name string) bool { return strings.HasSuffix(name, ".key") })
	tokens := find(t, g.state, func(name string) bool { return strings.Contains(name, "token") })
	require.NotEmpty(t, keys)
	require.NotEmpty(t, tokens)
	hidden := append(keys, tokens...)
	g.write("vcl.yaml", readingVCL(append(hidden, "/etc/passwd")...))
	g.awaitVCLHeader(strings.Repeat("-", len(hidden)) + "r")
}

func TestUserVCLIncludesNoFileByItsPath(t *testing.T) {
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["class.yaml"] = classWithVCL
	files["vcl.yaml"] = userVCL(`sub vcl_deliver { set resp.http.X-VCL = "first"; }`)
	g := startGateway(t, files)
	g.awaitVCLHeader("first")
	g.write("vcl.yaml", userVCL(`include "/etc/passwd";`))
	g.awaitLog("is unsafe")
	g.awaitVCLHeader("first")
}
