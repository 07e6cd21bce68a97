package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

func TestTheSchemeKnowsEveryKindInEveryVersion(t *testing.T) {
	scheme := newScheme()
	for i := range inputs.Kinds {
		kind := &inputs.Kinds[i]
		for _, version := range kind.Versions {
			assert.True(t, scheme.Recognizes(kind.GroupVersion(version.Name).WithKind(kind.Name)), "%s %s", kind.Name, version.Name)
		}
	}
}
