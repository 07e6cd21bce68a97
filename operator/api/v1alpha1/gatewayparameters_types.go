package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GatewayParameters configure the Gateways of their namespace whose infrastructure.parametersRef names
// them. A field that is set replaces the field of the class, where the class allows it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:categories=gateway-api
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GatewayParameters struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec of the parameters.
	// +optional
	Spec GatewayParametersSpec `json:"spec,omitempty"`
}

// GatewayParametersSpec is what the owner of a Gateway decides.
type GatewayParametersSpec struct {
	GatewaySettings `json:",inline"`

	// VCL names the ConfigMap, in the namespace of the parameters, with VCL that the Gateway appends to
	// its own.
	// +optional
	VCL *VCLReference `json:"vcl,omitempty"`
}

// GatewayParametersList is a list of GatewayParameters.
//
// +kubebuilder:object:root=true
type GatewayParametersList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GatewayParameters `json:"items"`
}
