// Package workload says which objects a Gateway needs in the cluster: pods, their Service, what they may read and
// what they mount. Every function is pure: equal Gateways give equal objects.
package workload
