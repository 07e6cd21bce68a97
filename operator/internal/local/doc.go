// Package local runs gateways on this machine, without a cluster: it takes the place of the API server, the
// kubelet and the operator's reconcilers. Manifests are translated by the operator's own code, the results
// are written where chaperone expects a pod's mounts, and one chaperone runs for each Gateway.
package local
