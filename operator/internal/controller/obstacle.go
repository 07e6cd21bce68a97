package controller

import (
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// foreignPause is how long to rest before looking again whether a foreign object is still in the way: objects that are
// not ours are not watched.
const foreignPause = 30 * time.Second

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
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return ""
}

// again is when to try again what has failed.
func again(err error) (reconcile.Result, error) {
	var foreign *foreignError
	if errors.As(err, &foreign) {
		return reconcile.Result{RequeueAfter: foreignPause}, nil
	}
	return reconcile.Result{}, err
}
