package controller

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
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
		"two foreign objects":            {errors.Join(foreign, errors.Join(&foreignError{kind: "Secret", name: "s"})), "left alone: rename or delete it.; Secret s exists", nil},
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

func TestWhatIsContestedIsTriedAgainWhenItIsTime(t *testing.T) {
	later, sooner := &apply.ContestedError{Object: "Service ns/a", Again: time.Minute}, &apply.ContestedError{Object: "Service ns/b", Again: time.Second}
	result, err := again(errors.Join(later, errors.Join(sooner), &foreignError{kind: "Role", name: "r"}))
	assert.NoError(t, err)
	assert.Equal(t, time.Second, result.RequeueAfter)
	away := errors.New("the API server is away")
	_, err = again(errors.Join(later, away))
	assert.ErrorIs(t, err, away)
}
