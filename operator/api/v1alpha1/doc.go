// Package v1alpha1 holds the Kubernetes API types of the group gateway.varnish.io.
//
// GatewayClassParameters are what the administrator of a class decides for all of its Gateways;
// GatewayParameters are what the owner of one Gateway may decide within that.
//
// +kubebuilder:object:generate=true
// +groupName=gateway.varnish.io
package v1alpha1

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 object paths=. crd:maxDescLen=1024 output:crd:dir=../../config/crd
//go:generate go run ../../internal/apireference
