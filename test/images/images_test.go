// Package images holds the two ways in which an image is made, images/build and a Containerfile, to each other, and versions to
// the tags that they come from.
package images

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const top = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(top, path))
	require.NoError(t, err)
	return string(data)
}

// TestAContainerfileStampsTheVariableThatHoldsTheVersion: the linker says nothing of one that is not there.
func TestAContainerfileStampsTheVariableThatHoldsTheVersion(t *testing.T) {
	const module = "github.com/varnish-gateway/gateway/"
	stamp := regexp.MustCompile(`-X (` + module + `\S+)\.(\w+)=`)
	made := stamp.FindStringSubmatch(read(t, "Makefile"))
	require.NotNil(t, made, "the Makefile stamps no version")
	for image, source := range map[string]string{"gateway": "chaperone", "operator": "operator"} {
		found := stamp.FindStringSubmatch(read(t, "images/"+image+"/Containerfile"))
		require.NotNil(t, found, "%s: no version is stamped", image)
		assert.Equal(t, strings.ReplaceAll(made[1], "$(1)", source)+"."+made[2], found[1]+"."+found[2], image)
		declared := read(t, strings.TrimPrefix(found[1], module)+"/version.go")
		assert.Regexp(t, `(?m)^var `+found[2]+` string$`, declared, image)
	}
}

// TestAContainerfileConfiguresItsImageAsTheScriptDoes: who runs what, and where it is found.
func TestAContainerfileConfiguresItsImageAsTheScriptDoes(t *testing.T) {
	for _, image := range []string{"gateway", "operator"} {
		var config struct {
			User            string
			Env, Entrypoint []string
		}
		require.NoError(t, json.Unmarshal([]byte(read(t, "images/"+image+"/config.json")), &config))
		entrypoint, err := json.Marshal(config.Entrypoint)
		require.NoError(t, err)
		lines := strings.Split(read(t, "images/"+image+"/Containerfile"), "\n")
		assert.Contains(t, lines, "USER "+config.User, image)
		assert.Contains(t, lines, "ENV "+strings.Join(config.Env, " "), image)
		assert.Contains(t, lines, "ENTRYPOINT "+string(entrypoint), image)
	}
}

// TestAContainerfileBuildsWithTheToolsOfTheCheckout, of versions that are named in two places.
func TestAContainerfileBuildsWithTheToolsOfTheCheckout(t *testing.T) {
	toolchain := regexp.MustCompile(`(?m)^toolchain go(\S+)$`).FindStringSubmatch(read(t, "operator/go.mod"))
	require.NotNil(t, toolchain)
	for _, image := range []string{"gateway", "operator"} {
		assert.Contains(t, read(t, "images/"+image+"/Containerfile"), "\nARG GO_VERSION="+toolchain[1]+"\n", image)
	}
}

// TestVersionsComeFromTheTagsOfTheirModule, and are tags of images.
func TestVersionsComeFromTheTagsOfTheirModule(t *testing.T) {
	checkout := t.TempDir()
	script, err := os.ReadFile(filepath.Join(top, "hack/version"))
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(checkout, "hack"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "hack/version"), script, 0o755))
	run := func(environment string, name string, args ...string) string {
		command := exec.Command(name, args...)
		command.Dir = checkout
		command.Env = append(os.Environ(), "VERSION="+environment, "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org")
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	commit := func() string {
		run("", "git", "add", "--all")
		run("", "git", "commit", "--quiet", "--allow-empty", "--message", "a change")
		return run("", "git", "rev-parse", "--short", "HEAD")
	}
	version := func(module string) string { return run("", "hack/version", module) }

	assert.Equal(t, "unknown", version("operator"), "no repository")
	run("", "git", "init", "--quiet")
	assert.Equal(t, commit(), version("operator"), "no tag")
	run("", "git", "tag", "operator/v0.1.0")
	run("", "git", "tag", "shared/v3.0.0")
	assert.Equal(t, "0.1.0", version("operator"))
	assert.Equal(t, run("", "git", "rev-parse", "--short", "HEAD"), version("chaperone"), "another module's tag")
	second := commit()
	run("", "git", "tag", "chaperone/v0.2.0")
	assert.Equal(t, "0.1.0-1-g"+second, version("operator"))
	assert.Equal(t, "0.2.0", version("chaperone"))
	for _, module := range []string{"operator", "chaperone", "shared"} {
		assert.Regexp(t, `^[\w][\w.-]{0,127}$`, version(module), "the tag of an image")
	}
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "hack/more"), nil, 0o644))
	run("", "git", "add", "--all")
	assert.Equal(t, "0.2.0-dirty", version("chaperone"))
	assert.Equal(t, "lab", run("lab", "hack/version", "operator"))
}
