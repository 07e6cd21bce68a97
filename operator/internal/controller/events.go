package controller

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/rollout"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// events tells which changes of the cluster matter, and to whom.
type events struct {
	changed    signal
	queues     *queues
	references atomic.Pointer[gather.References]
	current    *current
}

// event is a change of one object; before is nil for one that is new, and after for one that is gone.
type event struct{ before, after client.Object }

// object is the newest that is known of the object.
func (e event) object() client.Object {
	if e.after != nil {
		return e.after
	}
	return e.before
}

func (e event) key() types.NamespacedName { return client.ObjectKeyFromObject(e.object()) }

// owners are the Gateways that the object belongs to, or belonged to before somebody changed that.
func (e event) owners() []types.NamespacedName {
	var owners []types.NamespacedName
	for _, object := range []client.Object{e.before, e.after} {
		if object == nil {
			continue
		}
		if owner, ok := workload.GatewayOf(object); ok && !slices.Contains(owners, owner) {
			owners = append(owners, owner)
		}
	}
	return owners
}

// sameSpec tells whether an update leaves alone what the object's owner wrote.
func (e event) sameSpec() bool {
	return e.before != nil && e.after != nil && e.before.GetUID() == e.after.GetUID() &&
		e.before.GetGeneration() == e.after.GetGeneration() &&
		e.before.GetDeletionTimestamp().IsZero() == e.after.GetDeletionTimestamp().IsZero()
}

// watch starts every informer. Kinds that are not installed are not watched.
func (e *events) watch(ctx context.Context, informers cache.Informers, installed gather.Installed) error {
	if err := e.watchCustom(ctx, informers, installed); err != nil {
		return err
	}
	watched := []struct {
		object  client.Object
		handler func(event)
	}{
		{gather.Metadata(gather.SecretKind), e.secret},
		{gather.Metadata(gather.ConfigMapKind), e.configMap},
		{gather.Metadata(gather.NamespaceKind), e.namespace},
		{&corev1.Service{}, e.service},
		{&corev1.LimitRange{}, e.limitRange},
		{&corev1.Pod{}, e.owned},
		{&appsv1.Deployment{}, e.deployment},
		{&corev1.ServiceAccount{}, e.owned},
		{&rbacv1.Role{}, e.owned},
		{&rbacv1.RoleBinding{}, e.owned},
		{&policyv1.PodDisruptionBudget{}, e.ownedSpec},
	}
	for _, each := range watched {
		if err := e.start(ctx, informers, each.object, each.handler); err != nil {
			return err
		}
	}
	return nil
}

// watchCustom starts the informers of the custom resources that are read. What has no handler of its own has no status
// either.
func (e *events) watchCustom(ctx context.Context, informers cache.Informers, installed gather.Installed) error {
	handlers := map[string]func(event){
		"GatewayClass": e.class, "Gateway": e.gateway, v1alpha1.KindVarnishCacheInvalidation: e.invalidation,
	}
	for _, kind := range inputs.AttachedKinds() {
		handlers[kind.Name] = e.specified(e.queues.status(kind.Name))
	}
	for i := range inputs.Kinds {
		version := installed.Version(&inputs.Kinds[i])
		if version == nil {
			continue
		}
		handler := handlers[inputs.Kinds[i].Name]
		if handler == nil {
			handler = e.specified(func(types.NamespacedName) {})
		}
		if err := e.start(ctx, informers, version.New(), handler); err != nil {
			return err
		}
	}
	return nil
}

func (e *events) start(ctx context.Context, informers cache.Informers, object client.Object, handle func(event)) error {
	informer, err := informers.GetInformer(ctx, object, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch %T: %w", object, err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(after any) { handle(event{after: objectOf(after)}) },
		UpdateFunc: func(before, after any) {
			// A resync tells what is known already.
			if objectOf(before).GetResourceVersion() != objectOf(after).GetResourceVersion() {
				handle(event{before: objectOf(before), after: objectOf(after)})
			}
		},
		DeleteFunc: func(before any) { handle(event{before: objectOf(before)}) },
	})
	if err != nil {
		return fmt.Errorf("watch %T: %w", object, err)
	}
	return nil
}

func objectOf(object any) client.Object {
	if unknown, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	return object.(client.Object)
}

// specified handles objects that translation reads. A change of anything but the specification, such as a status
// that somebody has overwritten, concerns that one object alone.
func (e *events) specified(other func(types.NamespacedName)) func(event) {
	return func(ev event) {
		if ev.sameSpec() {
			other(ev.key())
			return
		}
		e.changed.raise()
	}
}

// class also hands on classes that are new, or gone: translation leaves out those of other controllers, and what is left of ours
// is to be collected where a class has changed hands.
func (e *events) class(ev event) {
	e.queues.class(ev.key().Name)
	e.specified(func(types.NamespacedName) {})(ev)
}

// gateway also hands on Gateways that are being deleted: translation leaves them out, and what is left of one is to be
// collected even where its class is not ours any more.
func (e *events) gateway(ev event) {
	if ev.after != nil && !ev.after.GetDeletionTimestamp().IsZero() {
		e.queues.objects(ev.key())
	}
	// A status that somebody has overwritten is no reason to render the routes.
	e.specified(func(key types.NamespacedName) {
		e.queues.objects(key)
		e.queues.attached(key)
	})(ev)
}

// invalidation is carried out, and nothing is translated for it.
func (e *events) invalidation(ev event) { e.queues.invalidation(ev.key()) }

func (e *events) secret(ev event) {
	if refs := e.references.Load(); refs == nil || refs.Secrets[ev.key()] {
		e.changed.raise()
	}
	e.owned(ev)
}

func (e *events) configMap(ev event) {
	if refs := e.references.Load(); refs == nil || refs.ConfigMaps[ev.key()] {
		e.changed.raise()
	}
	for _, gateway := range ev.owners() {
		e.queues.gateway(gateway)
	}
}

func (e *events) namespace(ev event) {
	if refs := e.references.Load(); refs != nil && !refs.Namespaces {
		return
	}
	if ev.before != nil && ev.after != nil && maps.Equal(ev.before.GetLabels(), ev.after.GetLabels()) {
		return
	}
	e.changed.raise()
}

func (e *events) service(ev event) {
	if refs := e.references.Load(); (refs == nil || refs.Services[ev.key()]) && !samePorts(ev) {
		e.changed.raise()
	}
	e.owned(ev)
}

// samePorts tells whether translation would see no difference.
func samePorts(ev event) bool {
	before, _ := ev.before.(*corev1.Service)
	after, _ := ev.after.(*corev1.Service)
	return before != nil && after != nil && before.Spec.Type == after.Spec.Type &&
		reflect.DeepEqual(before.Spec.Ports, after.Spec.Ports)
}

// limitRange decides how much memory pods of its namespace get.
func (e *events) limitRange(ev event) {
	snapshot := e.current.Load()
	if snapshot == nil {
		return
	}
	for key := range snapshot.Gateways {
		if key.Namespace == ev.key().Namespace {
			e.queues.objects(key)
		}
	}
}

// owned handles objects that the Gateway reconciler writes, or looks at.
func (e *events) owned(ev event) {
	for _, gateway := range ev.owners() {
		e.queues.objects(gateway)
	}
}

// ownedSpec is owned, but for changes of what only the status says.
func (e *events) ownedSpec(ev event) {
	if ev.sameSpec() && sameMarks(ev.before, ev.after) {
		return
	}
	e.owned(ev)
}

// deployment is ownedSpec, but for what its status says of pods that are missing.
func (e *events) deployment(ev event) {
	before, _ := ev.before.(*appsv1.Deployment)
	after, _ := ev.after.(*appsv1.Deployment)
	if before != nil && after != nil && rollout.Differs(before, after) {
		e.owned(ev)
		return
	}
	e.ownedSpec(ev)
}

// sameMarks tells whether two versions of an object of ours say the same in their metadata.
func sameMarks(before, after client.Object) bool {
	return maps.Equal(before.GetAnnotations(), after.GetAnnotations()) && maps.Equal(before.GetLabels(), after.GetLabels()) &&
		reflect.DeepEqual(before.GetOwnerReferences(), after.GetOwnerReferences())
}
