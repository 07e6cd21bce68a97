package invalidation

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

func TestWhatIsReadHasTheDefaultsOfAnAPIServer(t *testing.T) {
	spec, err := Read([]byte(`{"tags": ["a", "b"]}`))
	assert.NoError(t, err)
	assert.Equal(t, v1alpha1.VarnishCacheInvalidationSpec{
		CacheInvalidation:     v1alpha1.CacheInvalidation{Tags: []v1alpha1.InvalidationTag{"a", "b"}, Mode: v1alpha1.InvalidationHard},
		ActiveDeadlineSeconds: new(int32(60)), TTLSecondsAfterFinished: new(int32(3600)),
	}, spec)
	assert.NoError(t, Check(spec))
}

func TestWhatAnAPIServerWouldRefuseIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		``:                             "read JSON",
		`[]`:                           "read JSON",
		`{"tags": ["a"], "tags": []}`:  `read JSON: duplicate field "tags"`,
		`{}`:                           "must have exactly one of urls, prefixes, hosts, tags, route, policy and all",
		`{"tag": "a"}`:                 `tag: unknown field`,
		`{"tags": ["a b"]}`:            "tags[0]: Invalid value",
		`{"hosts": ["a.example:80"]}`:  "hosts[0]: Invalid value",
		`{"tags": ["a"], "mode": "x"}`: "mode: Unsupported value",
	} {
		_, err := Read([]byte(body))
		assert.ErrorContains(t, err, want, body)
	}
	assert.ErrorContains(t, Check(v1alpha1.VarnishCacheInvalidationSpec{}), "must have exactly one of")
}
