// Package gather reads the cluster into one plain value, inputs.Inputs, from caches that hold no
// more than is needed.
package gather

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// Gatherer reads inputs.
type Gatherer struct {
	// Cache is read; Contents reads what it holds the metadata of.
	Cache     client.Reader
	Contents  *Contents
	Installed Installed
	// Own reads the objects that Gateways are made of, as Contents reads those of users.
	Own     *Contents
	Options inputs.Options
	// Referenced is told of what is referred to before any of it is read: an event that comes later
	// is then known to matter, and one that came earlier is in the cache.
	Referenced func(References)
}

// Gather reads everything that translation looks at, sorted.
func (g *Gatherer) Gather(ctx context.Context) (inputs.Inputs, error) {
	in := inputs.Inputs{Options: g.Options}
	in.Options.Definitions = g.Installed.definitions()
	if err := g.custom(ctx, &in); err != nil {
		return in, err
	}
	if err := ours(&in, func(gateway *gatewayv1.Gateway) (bool, error) { return g.made(ctx, gateway) }); err != nil {
		return in, err
	}
	references := ReferencesOf(in)
	if g.Referenced != nil {
		g.Referenced(references)
	}
	if err := g.referenced(ctx, references, &in); err != nil {
		return in, err
	}
	if err := g.presented(ctx, &in); err != nil {
		return in, err
	}
	in.Sort()
	return in, nil
}

// made tells whether we have made objects for a Gateway.
func (g *Gatherer) made(ctx context.Context, gateway *gatewayv1.Gateway) (bool, error) {
	return Made(ctx, g.Cache, gateway, g.Options.Controller())
}

// Made tells whether a controller has made objects for a Gateway: whether its ConfigMap says so, which is there before any pod
// is, and of which the cache has all.
func Made(ctx context.Context, cache client.Reader, gateway *gatewayv1.Gateway, controller gatewayv1.GatewayController) (bool, error) {
	config := Metadata(ConfigMapKind)
	key := types.NamespacedName{Namespace: gateway.Namespace, Name: workload.NamesOf(gateway.Name).Config}
	if err := cache.Get(ctx, key, config); err != nil {
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return false, fmt.Errorf("look up the ConfigMap of Gateway %s/%s: %w", gateway.Namespace, gateway.Name, err)
	}
	return workload.ControlledBy(config, gateway.UID) && workload.Maker(config) == controller, nil
}

// presented reads the certificates that Gateways present now, from the Secrets that are theirs.
func (g *Gatherer) presented(ctx context.Context, in *inputs.Inputs) error {
	in.Presented = map[string]map[string][]byte{}
	for _, gateway := range in.Gateways {
		if !terminatesTLS(gateway) {
			continue
		}
		key := types.NamespacedName{Namespace: gateway.Namespace, Name: workload.NamesOf(gateway.Name).Certificates}
		secret, why, err := readSecret(ctx, g.Own, key)
		switch {
		case err != nil:
			return err
		case why != "":
			note(&in.Unread.Presented, client.ObjectKeyFromObject(gateway), why)
		case secret != nil && workload.ControlledBy(secret, gateway.UID):
			in.Presented[gateway.Namespace+"/"+gateway.Name] = secret.Data
		}
	}
	return nil
}

func terminatesTLS(gateway *gatewayv1.Gateway) bool {
	return slices.ContainsFunc(gateway.Spec.Listeners, func(l gatewayv1.Listener) bool { return l.TLS != nil })
}

// custom reads the objects of the kinds that are installed.
func (g *Gatherer) custom(ctx context.Context, in *inputs.Inputs) error {
	for i := range inputs.Kinds {
		kind := &inputs.Kinds[i]
		version := g.Installed.Version(kind)
		if version == nil {
			continue
		}
		list := version.NewList()
		if err := g.list(ctx, list); err != nil {
			return err
		}
		err := meta.EachListItem(list, func(item runtime.Object) error {
			kind.Add(in, item)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read %T: %w", list, err)
		}
	}
	return nil
}

// referenced reads what others refer to.
func (g *Gatherer) referenced(ctx context.Context, references References, in *inputs.Inputs) error {
	var services corev1.ServiceList
	if err := g.list(ctx, &services); err != nil {
		return err
	}
	for i := range services.Items {
		service := &services.Items[i]
		if references.Services[types.NamespacedName{Namespace: service.Namespace, Name: service.Name}] {
			in.Services = append(in.Services, service)
		}
	}
	g.Contents.Keep(references)
	for key := range references.Secrets {
		secret, why, err := readSecret(ctx, g.Contents, key)
		switch {
		case err != nil:
			return err
		case why != "":
			note(&in.Unread.Secrets, key, why)
		case secret != nil:
			in.Secrets = append(in.Secrets, secret)
		}
	}
	for key := range references.ConfigMaps {
		configMap, why, err := readConfigMap(ctx, g.Contents, key)
		switch {
		case err != nil:
			return err
		case why != "":
			note(&in.Unread.ConfigMaps, key, why)
		case configMap != nil:
			in.ConfigMaps = append(in.ConfigMaps, configMap)
		}
	}
	if !references.Namespaces {
		return nil
	}
	return g.namespaces(ctx, in)
}

// namespaces are known by their metadata, which is all that counts of them.
func (g *Gatherer) namespaces(ctx context.Context, in *inputs.Inputs) error {
	list := MetadataList(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := g.list(ctx, list); err != nil {
		return err
	}
	for i := range list.Items {
		in.Namespaces = append(in.Namespaces, &corev1.Namespace{ObjectMeta: list.Items[i].ObjectMeta})
	}
	return nil
}

// list reads from the cache without copying: nothing that is gathered is ever changed.
func (g *Gatherer) list(ctx context.Context, list client.ObjectList) error {
	if err := g.Cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list %T: %w", list, err)
	}
	return nil
}
