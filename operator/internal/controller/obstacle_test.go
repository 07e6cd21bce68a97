package controller

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestWhatSomebodyCanDoSomethingAboutIsTold(t *testing.T) {
	what := schema.GroupResource{Group: "apps", Resource: "deployments"}
	foreign, away := &foreignError{kind: "Role", name: "r"}, errors.New("the API server is away")
	quota := apierrors.NewForbidden(what, "edge", errors.New("exceeded quota"))
	for name, c := range map[string]struct {
		err     error
		message string
		again   error
	}{
		"nothing":                        {nil, "", nil},
		"an outage":                      {away, "", away},
		"a conflict":                     {apierrors.NewConflict(what, "edge", away), "", apierrors.NewConflict(what, "edge", away)},
		"a quota":                        {quota, "exceeded quota", quota},
		"a value that is not valid":      {apierrors.NewInvalid(schema.GroupKind{Kind: "Deployment"}, "edge", nil), "is invalid", apierrors.NewInvalid(schema.GroupKind{Kind: "Deployment"}, "edge", nil)},
		"an object that is too large":    {apierrors.NewRequestEntityTooLargeError("limit is 3145728"), "too large", apierrors.NewRequestEntityTooLargeError("limit is 3145728")},
		"a foreign object":               {foreign, "Role r exists", nil},
		"a foreign object and an outage": {errors.Join(foreign, away), "Role r exists", errors.Join(away)},
	} {
		t.Run(name, func(t *testing.T) {
			if c.message == "" {
				assert.Empty(t, obstacle(c.err))
			} else {
				assert.Contains(t, obstacle(c.err), c.message)
			}
			_, err := again(c.err)
			assert.Equal(t, c.again, err)
		})
	}
}
