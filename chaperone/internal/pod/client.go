package pod

import (
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/chaperone/internal/version"
)

// kubernetesClient uses the pod's ServiceAccount or, outside a cluster, the user's kubeconfig.
func kubernetesClient(contacts *source.Contacts) (kubernetes.Interface, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the Kubernetes API: %w", err)
	}
	config.UserAgent = "varnish-gateway-chaperone/" + version.Version()
	// A pod that starts watches one namespace after the other: client-go's own limit of 5 requests a second would keep
	// it from its endpoints for minutes. The API server protects itself (API Priority and Fairness).
	config.QPS = -1
	config.Wrap(contacts.Transport)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of the Kubernetes API: %w", err)
	}
	return client, nil
}
