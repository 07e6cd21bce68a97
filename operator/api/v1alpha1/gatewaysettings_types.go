package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// GatewaySettings are the settings that a class and a single Gateway have in common.
type GatewaySettings struct {
	// Image of the gateway container; the operator's own choice where it is empty.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Image string `json:"image,omitempty"`

	// Resources of the gateway container. A CPU request of 100m is assumed where none is given.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// VarnishdExtraArgs are appended to varnishd's arguments. Those that the gateway itself sets (such as
	// -a, -b, -f, -n, -S and -T) are refused.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	VarnishdExtraArgs []string `json:"varnishdExtraArgs,omitempty"`

	// Storage of the cache.
	// +optional
	Storage *Storage `json:"storage,omitempty"`

	// PodTemplate adds to the pods of the Gateway.
	// +optional
	PodTemplate *PodTemplate `json:"podTemplate,omitempty"`

	// Service of the Gateway.
	// +optional
	Service *Service `json:"service,omitempty"`

	// TrustedHops are the networks (CIDR) of proxies in front of the gateway whose X-Forwarded-* headers
	// are believed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:XValidation:message="must be networks in CIDR notation",rule="self.all(n, isCIDR(n))"
	TrustedHops []string `json:"trustedHops,omitempty"`

	// XVarnish says that requests to backends and answers to clients have the header X-Varnish, the number of
	// their transaction in Varnish's log. Without it, nobody outside sees these numbers.
	// +optional
	XVarnish *bool `json:"xVarnish,omitempty"`

	// PassDoor says how requests that are not cached reach their backends; Auto where it is empty.
	// +optional
	PassDoor PassDoor `json:"passDoor,omitempty"`

	// Limits of what one pod takes on at once, and for how long.
	// +optional
	Limits *Limits `json:"limits,omitempty"`

	// Logs of the gateway.
	// +optional
	Logs *Logs `json:"logs,omitempty"`

	// PodDisruptionBudget is created for the Gateway only where this is set.
	// +optional
	PodDisruptionBudget *PodDisruptionBudget `json:"podDisruptionBudget,omitempty"`

	// Ports say how the listeners on a port take their connections.
	// +optional
	// +listType=map
	// +listMapKey=port
	// +kubebuilder:validation:MaxItems=64
	Ports []ListenerPort `json:"ports,omitempty"`
}

// PassDoor says how requests that are not cached reach their backends.
//
// +kubebuilder:validation:Enum=Auto;Direct;Fetch
type PassDoor string

// How requests that are not cached reach their backends.
const (
	// PassDoorAuto is Direct unless the user's VCL names vcl_hash, vcl_pass, vcl_backend_*, vcl_deliver or vcl_synth, or
	// includes files; Fetch then.
	PassDoorAuto PassDoor = "Auto"
	// PassDoorDirect passes the request on in the client's own thread. vcl_pass, vcl_backend_* and vcl_deliver do not run
	// for it.
	PassDoorDirect PassDoor = "Direct"
	// PassDoorFetch lets Varnish fetch, as it does for what it caches.
	PassDoorFetch PassDoor = "Fetch"
)

// VCLReference names a key of a ConfigMap.
type VCLReference struct {
	// Name of the ConfigMap.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`

	// Key that holds the VCL; "main.vcl" where it is empty. The VCL may begin with "vcl 4.1;".
	// +optional
	// +kubebuilder:default="main.vcl"
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key,omitempty"`

	// FailureMode says what becomes of requests in a pod where VCL has never compiled. FailClosed: all are answered
	// 503. FailOpen: they are served without this VCL. Where it is empty, VCL of a class has FailClosed, and VCL of a
	// Gateway FailOpen. A pod in which VCL has compiled goes on with that, whatever is said here.
	// +optional
	FailureMode FailureMode `json:"failureMode,omitempty"`
}

// FailureMode says what becomes of requests in a pod where VCL has never compiled.
//
// +kubebuilder:validation:Enum=FailClosed;FailOpen
type FailureMode string

// What becomes of requests in a pod where VCL has never compiled.
const (
	// FailClosed answers all of them 503.
	FailClosed FailureMode = "FailClosed"
	// FailOpen serves them without the VCL.
	FailOpen FailureMode = "FailOpen"
)

// DefaultVCLKey is the key of a ConfigMap with VCL where the reference names none.
const DefaultVCLKey = "main.vcl"

// Storage says where and how much varnishd caches.
type Storage struct {
	// Size of the cache. It must leave room for varnishd itself below the memory limit.
	// +kubebuilder:validation:XValidation:message="must be at least 1Mi",rule="quantity(string(self)).compareTo(quantity('1Mi')) >= 0"
	// +required
	Size resource.Quantity `json:"size"`
}

// PodTemplate adds to the pods of a Gateway.
type PodTemplate struct {
	// Labels of the pods, besides those that the operator sets.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Labels map[string]string `json:"labels,omitempty"`

	// Annotations of the pods, besides those that the operator sets.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Annotations map[string]string `json:"annotations,omitempty"`

	// NodeSelector of the pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// Tolerations of the pods.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// Affinity of the pods.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// TopologySpreadConstraints of the pods. One without a labelSelector selects the Gateway's pods.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// ImagePullSecrets of the pods.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// PriorityClassName of the pods.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// Service is how the Gateway is reached.
//
// +kubebuilder:validation:XValidation:message="externalTrafficPolicy needs type LoadBalancer or NodePort",rule="!has(self.externalTrafficPolicy) || !has(self.type) || self.type != 'ClusterIP'"
// +kubebuilder:validation:XValidation:message="loadBalancerSourceRanges needs type LoadBalancer",rule="!has(self.loadBalancerSourceRanges) || !has(self.type) || self.type == 'LoadBalancer'"
type Service struct {
	// Type of the Service; LoadBalancer where it is empty.
	// +optional
	// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
	Type corev1.ServiceType `json:"type,omitempty"`

	// Annotations of the Service.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Annotations map[string]string `json:"annotations,omitempty"`

	// ExternalTrafficPolicy of the Service.
	// +optional
	// +kubebuilder:validation:Enum=Cluster;Local
	ExternalTrafficPolicy corev1.ServiceExternalTrafficPolicy `json:"externalTrafficPolicy,omitempty"`

	// LoadBalancerSourceRanges of the Service.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:XValidation:message="must be networks in CIDR notation",rule="self.all(n, isCIDR(n))"
	LoadBalancerSourceRanges []string `json:"loadBalancerSourceRanges,omitempty"`
}

// AccessLog says what is logged of each request. Off has quotes in YAML, where it would be a boolean without.
//
// +kubebuilder:validation:Enum=Off;Common;JSON
type AccessLog string

// Forms of the access log.
const (
	AccessLogOff    AccessLog = "Off"
	AccessLogCommon AccessLog = "Common"
	AccessLogJSON   AccessLog = "JSON"
)

// LogLevel of the gateway's own log.
//
// +kubebuilder:validation:Enum=Debug;Info;Warn;Error
type LogLevel string

// Levels of the gateway's own log.
const (
	LogLevelDebug LogLevel = "Debug"
	LogLevelInfo  LogLevel = "Info"
	LogLevelWarn  LogLevel = "Warn"
	LogLevelError LogLevel = "Error"
)

// Logs of the gateway.
type Logs struct {
	// Access log on standard output; Off where it is empty.
	// +optional
	Access AccessLog `json:"access,omitempty"`

	// Level of the gateway's own log; Info where it is empty.
	// +optional
	Level LogLevel `json:"level,omitempty"`
}

// PodDisruptionBudget of the Gateway's pods.
//
// +kubebuilder:validation:XValidation:message="exactly one of minAvailable and maxUnavailable must be set",rule="has(self.minAvailable) != has(self.maxUnavailable)"
type PodDisruptionBudget struct {
	// MinAvailable pods, as a number or a percentage.
	// +optional
	// +kubebuilder:validation:XIntOrString
	MinAvailable *intstr.IntOrString `json:"minAvailable,omitempty"`

	// MaxUnavailable pods, as a number or a percentage.
	// +optional
	// +kubebuilder:validation:XIntOrString
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// ProxyProtocol says whether connections begin with a PROXY header. Off has quotes in YAML, where it would be a boolean
// without.
//
// +kubebuilder:validation:Enum=Off;V2
type ProxyProtocol string

// Whether connections begin with a PROXY header.
const (
	ProxyProtocolOff ProxyProtocol = "Off"
	ProxyProtocolV2  ProxyProtocol = "V2"
)

// ListenerPort says how the listeners on one port take their connections.
type ListenerPort struct {
	// Port of the listeners.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +required
	Port int32 `json:"port"`

	// ProxyProtocol V2 means that a load balancer in front writes a PROXY v2 header; connections without
	// one are refused.
	// +optional
	// +kubebuilder:default=Off
	ProxyProtocol ProxyProtocol `json:"proxyProtocol,omitempty"`
}
