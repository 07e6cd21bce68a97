package controller

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// foreignError says that an object of the name that we need is somebody else's. It is never taken over.
type foreignError struct{ kind, name string }

func (e *foreignError) Error() string {
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
