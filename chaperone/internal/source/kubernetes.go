package source

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Kubernetes reads mounted files, and besides watches through the API the Gateway's ConfigMaps and TLS Secret,
// each by name, and the EndpointSlices of the namespaces that are routed to. Where the API server is away, it
// goes on with what there is.
type Kubernetes struct {
	client             kubernetes.Interface
	contacts           *Contacts
	namespace, gateway string
	mounts             Files
	log                *zap.Logger

	mu         sync.Mutex
	namespaces []string
	follow     chan struct{}
	// reasons are what is told of places, from Run on.
	reasons *reasons
}

// NewKubernetes watches for a Gateway. contacts are those of the client's transport.
func NewKubernetes(client kubernetes.Interface, contacts *Contacts, namespace, gateway string, mounts Files, log *zap.Logger) *Kubernetes {
	mounts.EndpointsDir, mounts.Log = "", log
	return &Kubernetes{
		client: client, contacts: contacts, namespace: namespace, gateway: gateway, mounts: mounts, log: log,
		follow: make(chan struct{}, 1),
	}
}

// Follow implements Source.
func (k *Kubernetes) Follow(namespaces []string) {
	k.mu.Lock()
	k.namespaces = slices.Clone(namespaces)
	k.mu.Unlock()
	select {
	case k.follow <- struct{}{}:
	default:
	}
}

func (k *Kubernetes) wantedNamespaces() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.namespaces
}

// Run implements Source.
func (k *Kubernetes) Run(ctx context.Context, sink Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	h := newHub(sink)
	k.reasons = newReasons(sink)
	mounts := make(chan error, 1)
	go func() { mounts <- k.mounts.Run(ctx, mounted{h}) }()

	config := k.watchConfig(ctx, h)
	shards, namespaces := watches{}, watches{}
	defer func() {
		cancel()
		config.stop()
		shards.stop()
		namespaces.stop()
	}()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	silent := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return <-mounts
		case <-look.C:
			silent = reportSilent(k.reasons, k.contacts, silent)
		case err := <-mounts:
			return err
		case <-h.wanted:
			shards.reconcile(h.wantedShards(), func(name string) *watch { return k.watchShard(ctx, h, name) },
				func(name string) { k.forget(configMapPlace(gatewaypod.ShardConfigMapName(k.gateway, name))) })
		case <-k.follow:
			namespaces.reconcile(k.wantedNamespaces(), func(name string) *watch { return k.watchNamespace(ctx, sink, name) },
				func(name string) { sink.Take(Update{Forgotten: []string{name}}); k.forget(endpointsPlace(name)) })
		}
	}
}

// watchConfig watches the ConfigMap and the Secret that every Gateway has.
func (k *Kubernetes) watchConfig(ctx context.Context, h *hub) watches {
	config, certificates := gatewaypod.ConfigMapName(k.gateway), gatewaypod.CertificatesSecretName(k.gateway)
	return watches{
		config:       watchObject(ctx, k.client, k.namespace, config, configMaps, h.setMain, k.failed(configMapPlace(config))),
		certificates: watchObject(ctx, k.client, k.namespace, certificates, secrets, h.setSecret, k.failed(secretPlace(certificates))),
	}
}

func (k *Kubernetes) watchShard(ctx context.Context, h *hub, name string) *watch {
	object := gatewaypod.ShardConfigMapName(k.gateway, name)
	return watchObject(ctx, k.client, k.namespace, object, configMaps,
		func(data map[string][]byte) { h.setShard(name, data) }, k.failed(configMapPlace(object)))
}

func (k *Kubernetes) watchNamespace(ctx context.Context, sink Sink, namespace string) *watch {
	failed := k.failed(endpointsPlace(namespace))
	return watchSlices(ctx, k.client, namespace, sink, func(err error) {
		failed(err)
		if apierrors.IsForbidden(err) {
			sink.Take(Update{Denied: []string{namespace}})
		}
	})
}

// forget says that a place is not watched any more: what was known of it grows old.
func (k *Kubernetes) forget(place string) {
	k.contacts.end(place)
	k.reasons.forget(place)
}

const (
	// lookEvery is how often it is looked whether a watch fails, or the API server has fallen silent.
	lookEvery = 15 * time.Second
	// failingFor is for how long requests must have failed: the API server may be restarted meanwhile.
	failingFor = time.Minute
	// silentAfter is how long it must have been: bookmarks come every minute, and a watch that had none ends after 5 to 10.
	silentAfter = 11 * time.Minute
)

// reportSilent reports the places whose requests have failed for a minute, or of which nothing was heard for long, and those that
// are well again; was are the places that were reported before. It gives those that are reported now.
func reportSilent(reasons *reasons, contacts *Contacts, was map[string]bool) map[string]bool {
	reported := map[string]bool{}
	failing := contacts.Failing()
	for place, age := range contacts.Ages() {
		switch {
		case failing[place] >= failingFor:
			reported[place] = true
			reasons.report(place, silence, fmt.Sprintf("its watch has failed for more than %s: %s", failingFor, contacts.why(place)))
		case age >= silentAfter:
			reported[place] = true
			reasons.report(place, silence, fmt.Sprintf("the API server has said nothing of it for %s", silentAfter))
		case was[place]:
			reasons.report(place, silence, "")
		}
	}
	return reported
}

func configMapPlace(name string) string { return "ConfigMap " + name }

func secretPlace(name string) string { return "Secret " + name }

func endpointsPlace(namespace string) string {
	return fmt.Sprintf("%s of namespace %s", PlaceEndpoints, namespace)
}

// failed gives what a watch tells its failures to: they are reported until it has seen everything once. After
// that it works or resumes by itself, and a failure is a line in the log.
func (k *Kubernetes) failed(place string) func(error) {
	k.contacts.begin(place)
	var mu sync.Mutex
	synced := false
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			synced = true
			k.reasons.report(place, watching, "")
			return
		}
		k.log.Warn("a watch of the API failed and will be resumed", zap.String("what", place), zap.Error(err))
		if !synced {
			k.reasons.report(place, watching, "cannot be watched: "+err.Error())
		}
	}
}

// watches by name.
type watches map[string]*watch

// reconcile starts the watches that are wanted and not there, and ends those that are there and not wanted.
func (w watches) reconcile(wanted []string, start func(name string) *watch, ended func(name string)) {
	for name := range maps.Clone(w) {
		if !slices.Contains(wanted, name) {
			w[name].stop()
			delete(w, name)
			ended(name)
		}
	}
	for _, name := range wanted {
		if w[name] == nil {
			w[name] = start(name)
		}
	}
}

func (w watches) stop() {
	for _, watch := range w {
		watch.stop()
	}
}
