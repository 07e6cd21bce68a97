package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/invalidation"
	"github.com/varnish-gateway/gateway/operator/internal/invalidationapi"
	"github.com/varnish-gateway/gateway/operator/internal/programming"
)

// Field managers of the reconcilers. Those of attached kinds are named by their resource.
const (
	managerGateways = "varnish-gateway-gateways"
	managerRoutes   = "varnish-gateway-httproutes"

	managerInvalidations = "varnish-gateway-varnishcacheinvalidations"
)

// workers of a controller work side by side. Those of one namespace are a part of them at most.
type workers struct{ all, ofNamespace int }

var (
	// classWorkers write the statuses of classes, which have no namespace.
	classWorkers = workers{1, 1}
	// statusWorkers write the statuses of the objects of a kind, which have nothing to do with each other.
	statusWorkers = workers{32, 8}
	// gatewayWorkers look after Gateways, and others of the same number after their routing.
	gatewayWorkers = workers{16, 2}
)

// What has failed is tried again after a pause that doubles from the first to the last.
const (
	firstRetry = 10 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// Options of the operator.
type Options struct {
	// GatewayImage is the image of gateways whose parameters name none.
	GatewayImage string
	Inputs       inputs.Options
	Installed    gather.Installed
	// InvalidationAPI is served where it has an address.
	InvalidationAPI invalidationapi.Options
}

// Setup adds the translator and the reconcilers to a manager. What follows the pods ends with ctx; Wait of the
// returned store returns when it has.
func Setup(ctx context.Context, mgr manager.Manager, options Options, log *zap.Logger) (*programming.Store, error) {
	changed, queues, now := newSignal(), newQueues(), &current{}
	events := &events{changed: changed, queues: queues, current: now}
	if err := events.watch(ctx, mgr.GetCache(), options.Installed); err != nil {
		return nil, err
	}
	watching, err := client.NewWithWatch(mgr.GetConfig(), client.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
	})
	if err != nil {
		return nil, fmt.Errorf("prepare watching single objects: %w", err)
	}
	store := programming.NewStore(ctx, programming.Options{
		Client: watching, Changed: queues.objects, Unblocked: queues.gateway, Log: log.Named("programming"),
	})
	s := setup{
		mgr: mgr, options: options, log: log, queues: queues, current: now, states: states{store},
		// What is gathered is kept apart from what is ours: the first is forgotten when nobody refers to it.
		own: &gather.Contents{Cache: mgr.GetClient(), Live: mgr.GetAPIReader()},
	}
	s.former = &former{cache: mgr.GetClient(), contents: s.own}
	if err := errors.Join(s.classes(), s.gateways(), s.routings(), s.attached(), s.invalidations(ctx)); err != nil {
		return nil, err
	}
	gatherer := &gather.Gatherer{
		Cache:     mgr.GetCache(),
		Contents:  &gather.Contents{Cache: mgr.GetClient(), Live: mgr.GetAPIReader()},
		Own:       s.own,
		Installed: options.Installed, Options: options.Inputs,
		Referenced: func(r gather.References) { events.references.Store(&r) },
	}
	t := &translator{
		cache: mgr.GetCache(), gatherer: gatherer, changed: changed, current: now, queues: queues, log: log.Named("translator"),
	}
	if err := mgr.Add(t); err != nil {
		return nil, fmt.Errorf("add the translator: %w", err)
	}
	return store, watchDefinitions(ctx, mgr, options.Installed, log)
}

// setup is what the reconcilers share.
type setup struct {
	mgr     manager.Manager
	options Options
	log     *zap.Logger
	queues  *queues
	current *current
	own     *gather.Contents
	states  states
	former  *former
}

func (s setup) writer(name string) apply.Writer {
	return apply.Writer{Client: s.mgr.GetClient(), Manager: name, Corrections: &apply.Corrections{}}
}

func (s setup) statuses(name string) statusWriter {
	return statusWriter{cache: s.mgr.GetClient(), live: s.mgr.GetAPIReader(), client: s.mgr.GetClient(), manager: name,
		corrections: &apply.Corrections{}, log: s.log.Named("statuses")}
}

func (s setup) classes() error {
	r := &classReconciler{cache: s.mgr.GetClient(), statuses: s.statuses(managerGateways), current: s.current, queues: s.queues}
	return run("gatewayclass", s.mgr, r, classWorkers, namespaceOf, s.queues.classes)
}

func (s setup) gateways() error {
	r := &gatewayReconciler{
		cache: s.mgr.GetClient(), live: s.mgr.GetAPIReader(), writer: s.writer(managerGateways),
		statuses: s.statuses(managerGateways), contents: s.own, current: s.current, states: s.states, former: s.former, queues: s.queues,
		events: recorder{s.mgr.GetEventRecorder(managerGateways)},
		image:  s.options.GatewayImage, controller: s.options.Inputs.Controller(),
	}
	return run("gateway", s.mgr, r, gatewayWorkers, namespaceOf, s.queues.gateways)
}

// attached adds a reconciler for each kind whose objects are attached to others.
func (s setup) attached() error {
	for _, kind := range inputs.AttachedKinds() {
		r := &attachedReconciler{
			kind: kind, statuses: s.statuses("varnish-gateway-" + kind.Resource), current: s.current, installed: s.options.Installed,
			controller: s.options.Inputs.Controller(),
		}
		if err := run(strings.ToLower(kind.Name), s.mgr, r, statusWorkers, namespaceOf, s.queues.statuses[kind.Name]); err != nil {
			return err
		}
	}
	return nil
}

// invalidations adds the reconciler of VarnishCacheInvalidations, and the API that does the same for applications.
func (s setup) invalidations(ctx context.Context) error {
	cluster := &invalidation.Cluster{Cache: s.mgr.GetClient(), Contents: s.own, Controller: s.options.Inputs.Controller()}
	carrier := invalidation.NewCarrier(cluster)
	if api := s.options.InvalidationAPI; api.Address != "" {
		log := s.log.Named("invalidation-api")
		handler := invalidationapi.Handler(s.own, &invalidation.Now{Cluster: cluster, Carrier: carrier}, log)
		if err := s.mgr.Add(invalidationapi.NewServer(api, handler, log)); err != nil {
			return fmt.Errorf("add the invalidation API: %w", err)
		}
	}
	r := &invalidationReconciler{
		ctx: ctx, cache: s.mgr.GetClient(), client: s.mgr.GetClient(), statuses: s.statuses(managerInvalidations),
		cluster: cluster, carrier: carrier, controller: s.options.Inputs.Controller(),
		finished: s.queues.invalidation, runs: map[types.NamespacedName]*invalidationRun{},
	}
	return run("varnishcacheinvalidation", s.mgr, r, statusWorkers, namespaceOf, s.queues.invalidations)
}

func (s setup) routings() error {
	writer := s.writer(managerRoutes)
	r := &routingReconciler{
		cache: s.mgr.GetClient(), writer: writer, statuses: s.statuses(managerRoutes), contents: s.own,
		shards:  &shards{cache: s.mgr.GetClient(), live: s.mgr.GetAPIReader(), writer: writer},
		current: s.current, states: s.states, former: s.former, queues: s.queues, log: s.log.Named("routing"),
		controller: s.options.Inputs.Controller(),
	}
	return run("routing", s.mgr, r, gatewayWorkers, func(r routingRequest) string { return r.key.Namespace }, s.queues.routings)
}

func namespaceOf(r reconcile.Request) string { return r.Namespace }

// run adds a controller that takes its requests from a queue.
func run[request comparable](name string, mgr manager.Manager, r reconcile.TypedReconciler[request], with workers, of func(request) string, in *requestQueue[request]) error {
	c, err := controller.NewTyped(name, mgr, controller.TypedOptions[request]{
		Reconciler:              &share[request]{next: r, namespaceOf: of, limit: with.ofNamespace, again: in.add},
		MaxConcurrentReconciles: with.all,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[request](firstRetry, lastRetry),
	})
	if err != nil {
		return fmt.Errorf("add the controller of %s: %w", name, err)
	}
	return c.Watch(in.source())
}
