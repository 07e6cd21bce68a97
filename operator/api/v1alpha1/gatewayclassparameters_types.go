package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GatewayClassParameters configure every Gateway of the classes whose parametersRef names them.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,categories=gateway-api
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GatewayClassParameters struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec of the parameters.
	// +optional
	Spec GatewayClassParametersSpec `json:"spec,omitempty"`
}

// GatewayClassParametersSpec is what the administrator of a class decides.
type GatewayClassParametersSpec struct {
	GatewaySettings `json:",inline"`

	// VCL names the ConfigMap with VCL that every Gateway of the class appends to its own.
	// +optional
	VCL *ClassVCLReference `json:"vcl,omitempty"`

	// AllowedOverrides lists the settings that a GatewayParameters may set for one Gateway. When it is
	// not given, these are all settings except Image and VCL; an empty list allows none.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	AllowedOverrides []Setting `json:"allowedOverrides,omitempty"`
}

// ClassVCLReference names a key of a ConfigMap in any namespace.
type ClassVCLReference struct {
	// Namespace of the ConfigMap.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +required
	Namespace string `json:"namespace"`

	VCLReference `json:",inline"`
}

// Setting names a field of GatewayParameters that a class can allow or forbid.
//
// +kubebuilder:validation:Enum=Image;VCL;Resources;VarnishdExtraArgs;Storage;PodTemplate;Service;TrustedHops;XVarnish;PassDoor;Limits;Logs;PodDisruptionBudget;Ports
type Setting string

// Settings that a class can allow or forbid.
const (
	SettingImage               Setting = "Image"
	SettingVCL                 Setting = "VCL"
	SettingResources           Setting = "Resources"
	SettingVarnishdExtraArgs   Setting = "VarnishdExtraArgs"
	SettingStorage             Setting = "Storage"
	SettingPodTemplate         Setting = "PodTemplate"
	SettingService             Setting = "Service"
	SettingTrustedHops         Setting = "TrustedHops"
	SettingXVarnish            Setting = "XVarnish"
	SettingPassDoor            Setting = "PassDoor"
	SettingLimits              Setting = "Limits"
	SettingLogs                Setting = "Logs"
	SettingPodDisruptionBudget Setting = "PodDisruptionBudget"
	SettingPorts               Setting = "Ports"
)

// DefaultAllowedOverrides returns the settings that a GatewayParameters may set where the class does
// not say: all but Image and VCL, which run code of the owner's choice.
func DefaultAllowedOverrides() []Setting {
	return []Setting{
		SettingResources, SettingVarnishdExtraArgs, SettingStorage, SettingPodTemplate, SettingService,
		SettingTrustedHops, SettingXVarnish, SettingPassDoor, SettingLimits, SettingLogs, SettingPodDisruptionBudget,
		SettingPorts,
	}
}

// GatewayClassParametersList is a list of GatewayClassParameters.
//
// +kubebuilder:object:root=true
type GatewayClassParametersList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GatewayClassParameters `json:"items"`
}
