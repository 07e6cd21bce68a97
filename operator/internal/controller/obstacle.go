package controller

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// foreignError says that an object of the name that we need is somebody else's. It is never taken over.
type foreignError struct {
	kind, name string
	// maker is the other controller that made it for this Gateway; empty where it is not for this Gateway.
	maker gatewayv1.GatewayController
}

// foreign is the error of an object that is not the Gateway's to write.
func foreign(w workload.Gateway, kind string, object client.Object) *foreignError {
	e := &foreignError{kind: kind, name: object.GetName()}
	if workload.BelongsTo(object, w.Object) {
		e.maker = workload.Maker(object)
	}
	return e
}

func (e *foreignError) Error() string {
	if e.maker != "" {
		return fmt.Sprintf("%s %s was made by the controller %s, and is left to it. Delete it if that controller is gone.", e.kind, e.name, e.maker)
	}
	return fmt.Sprintf("%s %s exists and does not belong to this Gateway. It is left alone: rename or delete it.", e.kind, e.name)
}

// obstacle is what somebody can do something about: a foreign object, or what the API server refuses to take (a value that is not
// valid, a quota, an admission webhook, a namespace that is being deleted). It is empty for other errors.
func obstacle(err error) string {
	var foreign *foreignError
	if errors.As(err, &foreign) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) ||
		apierrors.IsRequestEntityTooLargeError(err) {
		return inOneLine(err)
	}
	return ""
}

func inOneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// again has what has failed tried again. Foreign objects are watched instead: trying changes nothing while they are there.
func again(err error) (reconcile.Result, error) { return reconcile.Result{}, withoutForeign(err) }

func withoutForeign(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var rest []error
		for _, each := range joined.Unwrap() {
			rest = append(rest, withoutForeign(each))
		}
		return errors.Join(rest...)
	}
	var foreign *foreignError
	if errors.As(err, &foreign) {
		return nil
	}
	return err
}
