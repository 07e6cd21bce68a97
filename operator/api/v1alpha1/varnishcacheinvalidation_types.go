package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// VarnishCacheInvalidation removes objects from the caches of gateways, once: it is carried out
// when it is made, on every pod that may have such objects, and says in its status what became of
// it. It reaches only what routes of its own namespace have cached. Some time after it has finished
// it is deleted.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=gateway-api,shortName=vci
// +kubebuilder:printcolumn:name="Complete",type=string,JSONPath=`.status.conditions[?(@.type=="Complete")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Complete")].reason`
// +kubebuilder:printcolumn:name="Asked",type=integer,JSONPath=`.status.pods.asked`
// +kubebuilder:printcolumn:name="Done",type=integer,JSONPath=`.status.pods.done`
// +kubebuilder:printcolumn:name="Failed",type=integer,JSONPath=`.status.pods.failed`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type VarnishCacheInvalidation struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says what is invalidated. It cannot be changed: what is to be invalidated again is
	// another object.
	// +required
	// +kubebuilder:validation:XValidation:message="cannot be changed: make another VarnishCacheInvalidation",rule="self == oldSelf"
	Spec VarnishCacheInvalidationSpec `json:"spec"`

	// Status says on which pods it is done.
	// +optional
	Status VarnishCacheInvalidationStatus `json:"status,omitempty"`
}

// VarnishCacheInvalidationSpec says which objects are invalidated, and how.
type VarnishCacheInvalidationSpec struct {
	CacheInvalidation `json:",inline"`

	// ActiveDeadlineSeconds is how long pods that do not answer are asked again. After that they
	// are reported as failed.
	// +optional
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	ActiveDeadlineSeconds *int32 `json:"activeDeadlineSeconds,omitempty"`

	// TTLSecondsAfterFinished is how long the object stays after it has finished, whether complete
	// or failed.
	// +optional
	// +kubebuilder:default=3600
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`
}

// CacheInvalidation says which objects are invalidated, and how. All of it is literal: nothing is a
// pattern.
//
// +kubebuilder:validation:XValidation:message="must have exactly one of urls, prefixes, hosts, tags, route, policy and all",rule="[has(self.urls), has(self.prefixes), has(self.hosts), has(self.tags), has(self.route), has(self.policy), has(self.all)].exists_one(x, x)"
type CacheInvalidation struct {
	// URLs whose objects are invalidated, in every variant: "https://shop.example/a?b=c". Scheme
	// and port do not matter, nor does the order of parameters where the policy sorts them. A URL
	// is one of clients, or one of backends where filters of the route rewrite it.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	URLs []InvalidationURL `json:"urls,omitempty"`

	// Prefixes are URLs without a query: objects are invalidated whose host is theirs and whose
	// path begins as theirs, with whatever query. "https://shop.example/img" is a prefix of /img/a
	// and of /images, "https://shop.example/img/" of /img/a alone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Prefixes []InvalidationPrefix `json:"prefixes,omitempty"`

	// Hosts of which everything is invalidated, without a port.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Hosts []InvalidationHost `json:"hosts,omitempty"`

	// Tags that backends have given the objects, by the header that storage.tagsHeader of a
	// VarnishCachePolicy names. An object is invalidated that has one of them.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1024
	Tags []InvalidationTag `json:"tags,omitempty"`

	// Route is the name of an HTTPRoute of which everything is invalidated.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Route string `json:"route,omitempty"`

	// Policy is the name of a VarnishCachePolicy: everything is invalidated of the rules that it
	// holds for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Policy string `json:"policy,omitempty"`

	// All invalidates everything that routes of the namespace have cached. It can only be true.
	// +optional
	// +kubebuilder:validation:Enum=true
	All bool `json:"all,omitempty"`

	// Mode says what becomes of the objects: with Hard they are gone, with Soft they are stale, and
	// may be served while the backend is asked for new ones, or where it fails.
	// +optional
	// +kubebuilder:default=Hard
	Mode InvalidationMode `json:"mode,omitempty"`
}

// InvalidationURL is a URL of one object.
//
// +kubebuilder:validation:MaxLength=2048
// +kubebuilder:validation:Pattern=`^https?://[^/?#@\s]+([/?][^#\s]*)?$`
type InvalidationURL string

// InvalidationPrefix is how URLs begin.
//
// +kubebuilder:validation:MaxLength=2048
// +kubebuilder:validation:Pattern=`^https?://[^/?#@\s]+(/[^?#\s]*)?$`
type InvalidationPrefix string

// InvalidationHost is a hostname, or an IP address; one of IPv6 stands in brackets.
//
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\])$`
type InvalidationHost string

// InvalidationTag is a tag, in which white space and commas cannot be, since they separate tags.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:Pattern=`^[^\s,]+$`
type InvalidationTag string

// InvalidationMode says what becomes of objects.
//
// +kubebuilder:validation:Enum=Hard;Soft
type InvalidationMode string

// What becomes of objects.
const (
	// InvalidationHard means that they are gone.
	InvalidationHard InvalidationMode = "Hard"
	// InvalidationSoft means that they are stale.
	InvalidationSoft InvalidationMode = "Soft"
)

// Conditions of a VarnishCacheInvalidation.
const (
	// InvalidationComplete is True when no request gets the objects any more.
	InvalidationComplete = "Complete"
	// InvalidationFailed is True when it has ended, and some pod may still have the objects.
	InvalidationFailed = "Failed"
)

// Reasons of these conditions.
const (
	// ReasonInvalidated means that each pod that may have had objects has invalidated them.
	ReasonInvalidated = "Invalidated"
	// ReasonNoGateway means that no Gateway serves routes of the namespace, so that nobody can have
	// objects.
	ReasonNoGateway = "NoGateway"
	// ReasonInProgress means that pods are being asked.
	ReasonInProgress = "InProgress"
	// ReasonPodsFailed means that pods did not answer in time, or refused.
	ReasonPodsFailed = "PodsFailed"
	// ReasonInvalid means that it cannot be carried out as it stands. Nothing was invalidated.
	ReasonInvalid = "Invalid"
)

// VarnishCacheInvalidationStatus says on which pods an invalidation is done. How many objects were
// removed is not known: a pod remembers what was invalidated and compares at each lookup, so that
// nobody counts.
type VarnishCacheInvalidationStatus struct {
	// StartTime is when pods were first asked.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// CompletionTime is when it finished, complete or failed.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// Pods of all Gateways, by number.
	// +optional
	Pods *InvalidatedPods `json:"pods,omitempty"`

	// Gateways to which routes of the namespace are attached, and whose pods were asked.
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=1024
	Gateways []InvalidatedGateway `json:"gateways,omitempty"`

	// Conditions: Complete, and where it has failed, Failed.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// InvalidatedPods are pods, by number.
type InvalidatedPods struct {
	// Asked are all that were there when the invalidation was made. One that starts later has an
	// empty cache.
	// +required
	Asked int32 `json:"asked"`

	// Done are those of which no request gets the objects any more.
	// +required
	Done int32 `json:"done"`

	// Failed are those that may still have them.
	// +required
	Failed int32 `json:"failed"`

	// Gone are those that ended, or were started again, before they answered: their caches went
	// with them.
	// +required
	Gone int32 `json:"gone"`
}

// InvalidatedGateway is a Gateway whose pods were asked.
type InvalidatedGateway struct {
	// Namespace of the Gateway.
	// +required
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`

	// Name of the Gateway.
	// +required
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// ControllerName is the controller of the Gateway, which writes this entry.
	// +required
	// +kubebuilder:validation:MaxLength=253
	ControllerName string `json:"controllerName"`

	// State says how far it is.
	// +required
	State InvalidationState `json:"state"`

	// Pods of the Gateway, by number.
	// +required
	Pods InvalidatedPods `json:"pods"`

	// Failures say which pods have not invalidated the objects, and why; of many, the first 16 by
	// their names.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Failures []InvalidationFailure `json:"failures,omitempty"`
}

// InvalidationState says how far an invalidation is.
//
// +kubebuilder:validation:Enum=InProgress;Complete;Failed
type InvalidationState string

// How far an invalidation is.
const (
	// InvalidationStateInProgress means that pods are being asked.
	InvalidationStateInProgress InvalidationState = "InProgress"
	// InvalidationStateComplete means that it is done.
	InvalidationStateComplete InvalidationState = "Complete"
	// InvalidationStateFailed means that it has ended, and some pod may still have the objects.
	InvalidationStateFailed InvalidationState = "Failed"
)

// InvalidationFailure is a pod that has not invalidated the objects.
type InvalidationFailure struct {
	// Pod is its name.
	// +required
	Pod string `json:"pod"`

	// Message says what came of the last attempt.
	// +required
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`
}

// VarnishCacheInvalidationList is a list of VarnishCacheInvalidations.
//
// +kubebuilder:object:root=true
type VarnishCacheInvalidationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VarnishCacheInvalidation `json:"items"`
}
