package render_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func gateway(routes int) *model.Gateway {
	g := &model.Gateway{
		Config: routing.Config{
			Version: routing.Version, Gateway: routing.Gateway{Namespace: "default", Name: "gateway", UID: "uid"},
			Listeners: []routing.Listener{{Name: "http", Socket: "http-80", Port: 80, Protocol: routing.ProtocolHTTP}},
		},
	}
	for i := range routes {
		name := "route-" + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + strings.Repeat("y", i/50%50) + strings.Repeat("z", i/2500)
		service := routing.Service{ID: "default/" + name + ":80", Namespace: "default", Name: name, Port: 80}
		g.Services = append(g.Services, service)
		g.Routes = append(g.Routes, routing.Route{
			Namespace: "default", Name: name, UID: name,
			Attachments: []routing.Attachment{{Listener: "http"}},
			Rules: []routing.Rule{{
				ID:       name + "/rule",
				Matches:  []routing.Match{{Path: routing.PathMatch{Type: routing.PathPrefix, Value: "/" + name}}},
				Backends: []routing.Backend{{Service: service.ID, Weight: 1}},
			}},
		})
	}
	return g
}

func TestTheSequenceGrowsOnlyWithTheContent(t *testing.T) {
	first, err := render.Routing(gateway(1), nil)
	require.NoError(t, err)
	assert.True(t, first.Changed)
	same, err := render.Routing(gateway(1), first.Head)
	require.NoError(t, err)
	assert.False(t, same.Changed)
	assert.Equal(t, first.Head, same.Head)
	next, err := render.Routing(gateway(2), first.Head)
	require.NoError(t, err)
	assert.True(t, next.Changed)
	config, err := routing.Decode(next.Head)
	require.NoError(t, err)
	assert.Equal(t, int64(2), config.Sequence)
}

func TestALargeGatewayIsSpreadOverShards(t *testing.T) {
	g := gateway(5000)
	files, err := render.Routing(g, nil)
	require.NoError(t, err)
	require.NotEmpty(t, files.Shards)
	head, err := routing.Decode(files.Head)
	require.NoError(t, err)
	whole, err := routing.Join(head, files.Shards)
	require.NoError(t, err)
	assert.Len(t, whole.Routes, len(g.Routes))

	g.Routes[17].Rules[0].Backends[0].Weight = 7
	changed, err := render.Routing(g, files.Head)
	require.NoError(t, err)
	assert.True(t, changed.Changed)
	different := 0
	for name, data := range changed.Shards {
		if string(data) != string(files.Shards[name]) {
			different++
		}
	}
	assert.Equal(t, 1, different, "one route changes one shard")
}

// documented is the VCL in docs/reference/vcl-contract.md.
func documented(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/reference/vcl-contract.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```vcl\n")
	require.True(t, found)
	vcl, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	return vcl
}

func TestMainVCLHasTheShapeOfTheContract(t *testing.T) {
	data, changed := render.VCL(&model.Gateway{VCL: []model.VCL{{
		Source: "ConfigMap infra/cache-vcl, key main.vcl", Text: "sub vcl_recv {\n\t# what the user wrote\n}\n", FailClosed: true,
	}}, PassDoor: mainvcl.PassDoorDirect}, nil)
	assert.True(t, changed)
	want := strings.Replace(documented(t), "sequence 7", "sequence 1", 1)
	assert.Equal(t, want, string(data))
}

func TestTheSequenceOfMainVCLContinues(t *testing.T) {
	first, _ := render.VCL(&model.Gateway{}, nil)
	same, changed := render.VCL(&model.Gateway{}, first)
	assert.False(t, changed)
	assert.Equal(t, first, same)
	next, changed := render.VCL(&model.Gateway{VCL: []model.VCL{{Text: "# more"}}}, first)
	assert.True(t, changed)
	header, _, err := mainvcl.Parse(next)
	require.NoError(t, err)
	assert.Equal(t, int64(2), header.Sequence)
}

func TestTheSourceOfUserVCLStaysInItsComment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.String().Draw(t, "source")
		data, _ := render.VCL(&model.Gateway{VCL: []model.VCL{{Source: source, Text: "# mark"}}}, nil)
		before, _, found := strings.Cut(string(data), "\n# mark\n")
		assert.True(t, found, "user VCL begins and ends its own lines")
		lines := strings.Split(before, "\n")
		assert.True(t, strings.HasPrefix(lines[len(lines)-1], "// From"))
	})
}
