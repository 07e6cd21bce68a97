package gather

import (
	"context"
	"errors"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
)

// readAgain is when what could not be read is read again.
var readAgain = backoff.Backoff{First: time.Second, Last: 30 * time.Second}

// readTimeout is how long the API server may take for one object.
const readTimeout = 5 * time.Second

// readError says that an object which is there could not be read.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

func (e *readError) Unwrap() error { return e.err }

// reference is an object that others refer to.
type reference struct {
	schema.GroupVersionKind
	types.NamespacedName
}

// failure is that an object could not be read in a version of it.
type failure struct {
	version string
	err     error
	backoff backoff.Backoff
	// next is when it is read again, unless there is another version of it earlier.
	next time.Time
}

// Failures tells when to gather again, and why objects could not be read in the last gathering; zero and nil where all
// could.
func (g *Gatherer) Failures() (next time.Time, failed error) {
	var all []error
	for _, c := range []*Contents{g.Contents, g.Own} {
		if c == nil {
			continue
		}
		c.mu.Lock()
		for _, f := range c.failures {
			all = append(all, f.err)
			if next.IsZero() || f.next.Before(next) {
				next = f.next
			}
		}
		c.mu.Unlock()
	}
	return next, errors.Join(all...)
}

// readSecret reads a Secret as tolerant does.
func readSecret(ctx context.Context, c *Contents, key types.NamespacedName) (*corev1.Secret, string, error) {
	return tolerant(ctx, c, reference{SecretKind, key}, c.Secret, func() *corev1.Secret { return c.secrets[key] })
}

// readConfigMap reads a ConfigMap as tolerant does.
func readConfigMap(ctx context.Context, c *Contents, key types.NamespacedName) (*corev1.ConfigMap, string, error) {
	return tolerant(ctx, c, reference{ConfigMapKind, key}, c.ConfigMap, func() *corev1.ConfigMap { return c.configMaps[key] })
}

// tolerant reads an object. One that is there and cannot be read must not keep others from being translated: where the
// API server fails, the object is what it was when it was last read; where it refuses, or the object was never read, why
// says so. Nil without a reason is an object that is not there.
func tolerant[T any](ctx context.Context, c *Contents, r reference,
	read func(context.Context, types.NamespacedName) (*T, error), last func() *T,
) (object *T, why string, err error) {
	version, err := c.version(ctx, r.GroupVersionKind, r.NamespacedName)
	if err != nil || version == "" {
		c.succeeded(r)
		return nil, "", err
	}
	failed, again := c.failureOf(r, version)
	if !again {
		limited, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		object, err = read(limited, r.NamespacedName)
		var unread *readError
		if ctx.Err() != nil || !errors.As(err, &unread) {
			c.succeeded(r)
			return object, "", err
		}
		failed = c.failed(r, version, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := last(); known != nil && !refused(failed.err) {
		return known, "", nil
	}
	return nil, reason(failed.err), nil
}

// failureOf is the last failure to read an object; true where it is not to be read again yet.
func (c *Contents) failureOf(r reference, version string) (failure, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, there := c.failures[r]
	return f, there && f.version == version && time.Now().Before(f.next)
}

func (c *Contents) failed(r reference, version string, err error) failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures == nil {
		c.failures = map[reference]failure{}
	}
	f := failure{version: version, err: err, backoff: readAgain}
	if before, there := c.failures[r]; there && before.version == version {
		f.backoff = before.backoff
	}
	f.next = time.Now().Add(f.backoff.Next())
	c.failures[r] = f
	return f
}

func (c *Contents) succeeded(r reference) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.failures, r)
}

// refused tells a refusal of the API server from a failure that passes.
func refused(err error) bool { return apierrors.IsForbidden(err) }

// reason is a sentence that is the same for the same refusal. What failures say changes from one to the next, and is for
// the log.
func reason(err error) string {
	var status apierrors.APIStatus
	if refused(err) && errors.As(err, &status) {
		return strings.ReplaceAll(status.Status().Message, "\n", "; ")
	}
	return "the API server does not answer for it, and is asked again"
}

func note(m *map[types.NamespacedName]string, key types.NamespacedName, why string) {
	if *m == nil {
		*m = map[types.NamespacedName]string{}
	}
	(*m)[key] = why
}
