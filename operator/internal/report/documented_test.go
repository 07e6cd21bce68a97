package report

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	troubleshooting = "../../../docs/guides/troubleshooting.md"
	gatewayAPI      = "sigs.k8s.io/gateway-api/apis/v1"
)

// conditionRow is a row of the page's tables of conditions.
var conditionRow = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| (True|False|Unknown) \\| `([A-Za-z]+)` \\|")

// documentedConditions are the rows of the page, each as "Type=Status Reason".
func documentedConditions(t *testing.T) (rows, types, reasons map[string]bool) {
	t.Helper()
	page, err := os.ReadFile(troubleshooting)
	require.NoError(t, err)
	rows, types, reasons = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, cells := range conditionRow.FindAllStringSubmatch(string(page), -1) {
		types[cells[1]], reasons[cells[3]] = true, true
		rows[cells[1]+"="+cells[2]+" "+cells[3]] = true
	}
	return rows, types, reasons
}

func TestTheTroubleshootingPageKnowsTheTypesAndReasonsThatTheCodeNames(t *testing.T) {
	_, types, reasons := documentedConditions(t)
	usedTypes, usedReasons := namedInCode(t)
	assert.Equal(t, usedTypes, types, "types of conditions")
	assert.Equal(t, usedReasons, reasons, "reasons of conditions")
}

func TestTheTroubleshootingPageKnowsTheConditionsOfTheFeatureFiles(t *testing.T) {
	rows, _, _ := documentedConditions(t)
	files, err := filepath.Glob("../featuretest/testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	conditions := regexp.MustCompile(`\b([A-Z][A-Za-z]+=(?:True|False|Unknown) [A-Z][A-Za-z]+):`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range conditions.FindAllStringSubmatch(string(data), -1) {
			assert.True(t, rows[match[1]], "%s has %s, which the page does not explain", file, match[1])
		}
	}
}

// namedInCode are the values of the types and reasons of conditions that the operator's own code names: constants
// of the Gateway API, and types and reasons of our own.
func namedInCode(t *testing.T) (types, reasons map[string]bool) {
	t.Helper()
	constants := gatewayAPIConstants(t)
	types, reasons = map[string]bool{}, map[string]bool{}
	visit := func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.SelectorExpr:
			switch c := constants[n.Sel.Name]; {
			case strings.HasSuffix(c.kind, "ConditionReason"):
				reasons[c.value] = true
			case strings.HasSuffix(c.kind, "ConditionType"):
				types[c.value] = true
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if value, ok := own("reason", name.Name, n, i); ok {
					reasons[value] = true
				}
				if value, ok := own("condition", name.Name, n, i); ok {
					types[value] = true
				}
			}
		}
		return true
	}
	for _, dir := range []string{"..", "../../cmd"} {
		for _, file := range sources(t, dir) {
			ast.Inspect(parse(t, file), visit)
		}
	}
	return types, reasons
}

// own is the value of a constant whose name says that it is a reason, or the type of a condition.
func own(what, name string, spec *ast.ValueSpec, i int) (string, bool) {
	if !strings.HasPrefix(strings.ToLower(name), what) || i >= len(spec.Values) {
		return "", false
	}
	return literal(spec.Values[i])
}

// constant of the Gateway API.
type constant struct{ kind, value string }

func gatewayAPIConstants(t *testing.T) map[string]constant {
	t.Helper()
	found, err := build.Import(gatewayAPI, ".", build.FindOnly)
	require.NoError(t, err)
	constants := map[string]constant{}
	for _, file := range sources(t, found.Dir) {
		ast.Inspect(parse(t, file), func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, typed := spec.Type.(*ast.Ident)
			if value, ok := literal(spec.Values[0]); ok && typed {
				constants[spec.Names[0].Name] = constant{kind.Name, value}
			}
			return true
		})
	}
	require.Equal(t, constant{"GatewayConditionReason", "Pending"}, constants["GatewayReasonPending"])
	return constants
}

func literal(expression ast.Expr) (string, bool) {
	l, ok := expression.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(l.Value)
	return value, err == nil
}

// sources are the Go files below a directory, without tests.
func sources(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
		return err
	}))
	return files
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	return file
}
