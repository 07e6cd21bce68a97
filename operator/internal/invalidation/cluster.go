package invalidation

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// Cluster is what the caches of the operator know of it.
type Cluster struct {
	// Cache holds routes, Gateways and pods; Contents reads Secrets.
	Cache    client.Reader
	Contents *gather.Contents
	// Controller is the name by which classes say that they are ours.
	Controller gatewayv1.GatewayController
}

// Serving are the Gateways of ours that may have cached something of routes of a namespace. others
// says that routes of it name Gateways which another controller looks after.
func (c *Cluster) Serving(ctx context.Context, namespace string) (ours []types.NamespacedName, others bool, err error) {
	var routes gatewayv1.HTTPRouteList
	if err := c.Cache.List(ctx, &routes, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, false, fmt.Errorf("list the routes of namespace %s: %w", namespace, err)
	}
	seen := map[types.NamespacedName]bool{}
	for i := range routes.Items {
		for _, key := range Named(&routes.Items[i], c.Controller) {
			if seen[key] {
				continue
			}
			seen[key] = true
			isOurs, exists, err := c.isOurs(ctx, key)
			switch {
			case err != nil:
				return nil, false, err
			case isOurs:
				ours = append(ours, key)
			case exists:
				others = true
			}
		}
	}
	return ours, others, nil
}

// isOurs tells whether this controller has made the objects of a Gateway, whatever has become of
// its class.
func (c *Cluster) isOurs(ctx context.Context, key types.NamespacedName) (isOurs, exists bool, err error) {
	gateway := &gatewayv1.Gateway{}
	if err := c.Cache.Get(ctx, key, gateway); err != nil {
		if apierrors.IsNotFound(err) {
			return false, false, nil
		}
		return false, false, fmt.Errorf("look up Gateway %s: %w", key, err)
	}
	isOurs, err = gather.Made(ctx, c.Cache, gateway, c.Controller)
	return isOurs, true, err
}

// pods of a Gateway, which are not to be changed.
func (c *Cluster) pods(ctx context.Context, gateway types.NamespacedName) ([]*corev1.Pod, error) {
	var list corev1.PodList
	labels := client.MatchingLabels(workload.Selector(gateway.Name))
	if err := c.Cache.List(ctx, &list, client.InNamespace(gateway.Namespace), labels, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list the pods of Gateway %s: %w", gateway, err)
	}
	pods := make([]*corev1.Pod, 0, len(list.Items))
	for i := range list.Items {
		pods = append(pods, &list.Items[i])
	}
	return pods, nil
}

// pod as it is now; nil where there is none of the name.
func (c *Cluster) pod(ctx context.Context, key types.NamespacedName) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	if err := c.Cache.Get(ctx, key, pod); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("look up pod %s: %w", key, err)
	}
	return pod, nil
}

// credential by which the pods of a Gateway are asked.
func (c *Cluster) credential(ctx context.Context, gateway types.NamespacedName) (workload.Credential, error) {
	key := types.NamespacedName{Namespace: gateway.Namespace, Name: workload.NamesOf(gateway.Name).Admin}
	secret, err := c.Contents.Secret(ctx, key)
	if err != nil {
		return workload.Credential{}, err
	}
	if secret == nil {
		return workload.Credential{}, errors.New("there is no Secret " + key.String() + " by which the pods could be asked")
	}
	credential, sound := workload.CredentialOf(secret)
	if !sound {
		return workload.Credential{}, errors.New("Secret " + key.String() + " is none by which the pods could be asked")
	}
	return credential, nil
}
