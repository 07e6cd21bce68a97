package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
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

// obstacle is what somebody can do something about: foreign objects, or what the API server refuses to take (a value that is not
// valid, a quota, an admission webhook, a namespace that is being deleted). Of errors that are joined it tells all such. It is empty
// for other errors.
func obstacle(err error) string {
	var sentences []string
	for _, each := range leaves(err) {
		var foreign *foreignError
		if errors.As(each, &foreign) || apierrors.IsInvalid(each) || apierrors.IsForbidden(each) || apierrors.IsBadRequest(each) ||
			apierrors.IsRequestEntityTooLargeError(each) {
			sentences = append(sentences, inOneLine(each))
		}
	}
	return strings.Join(sentences, "; ")
}

// contested tells of fields that somebody else changes again and again; empty where nobody does.
func contested(err error) string {
	var sentences []string
	for _, each := range leaves(err) {
		var contested *apply.ContestedError
		if errors.As(each, &contested) && contested.Persistent() {
			sentences = append(sentences, inOneLine(each)+".")
		}
	}
	slices.Sort(sentences)
	return strings.Join(sentences, " ")
}

// sentences puts one behind the other; empty ones are left out.
func sentences(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), " ")
}

func inOneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// again has what has failed tried again, and what is contested when it is time. Foreign objects are watched instead: trying changes
// nothing while they are there.
func again(err error) (reconcile.Result, error) {
	var pause time.Duration
	for _, each := range leaves(err) {
		var contested *apply.ContestedError
		if errors.As(each, &contested) && (pause == 0 || contested.Again < pause) {
			pause = contested.Again
		}
	}
	if err := without[*apply.ContestedError](withoutForeign(err)); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: pause}, nil
}

func withoutForeign(err error) error { return without[*foreignError](err) }

// withoutContested leaves out what is contested and there all the same.
func withoutContested(err error) error {
	return withoutThose(err, func(each error) bool {
		var contested *apply.ContestedError
		return errors.As(each, &contested) && !contested.Missing
	})
}

// without leaves errors of a type out of those that are joined.
func without[T error](err error) error {
	return withoutThose(err, func(each error) bool {
		var unwanted T
		return errors.As(each, &unwanted)
	})
}

func withoutThose(err error, unwanted func(error) bool) error {
	all := leaves(err)
	rest := slices.DeleteFunc(slices.Clone(all), unwanted)
	if len(rest) == len(all) {
		return err
	}
	return errors.Join(rest...)
}

// leaves are the errors that are joined.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, each := range joined.Unwrap() {
		all = append(all, leaves(each)...)
	}
	return all
}
